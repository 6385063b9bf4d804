"""Half an answer, or a wrong one, is refused by place: what is missing in it would be withdrawn."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from hypothesis import given
from hypothesis import strategies as st
from networks_of_lab import port_named, raw_document


def test_a_real_answer_is_read_whole():
    document = read_document(raw_document())
    assert (len(document.networks), len(document.subnets), len(document.ports)) == (2, 8, 36)


@pytest.mark.parametrize("key", ["networks", "subnets", "ports"])
def test_a_missing_part_is_named(key):
    document = raw_document()
    del document[key]
    with pytest.raises(ValueError, match=f"port document: '{key}' is missing"):
        read_document(document)


@pytest.mark.parametrize("key", ["networks", "subnets", "ports"])
def test_one_page_of_several_is_refused(key):
    document = {**raw_document(), f"{key}_links": [{"rel": "next", "href": "…"}]}
    with pytest.raises(ValueError, match=f"'{key}' is one page of several"):
        read_document(document)


def test_a_network_whose_subnet_is_not_there_is_refused():
    document = raw_document()
    gone = document["subnets"].pop()
    with pytest.raises(ValueError, match=rf"\(pinned\): its subnet '{gone['id']}' is not in 'subnets'"):
        read_document(document)


@pytest.mark.parametrize("document", [None, [], "ports", 7])
def test_something_else_than_a_mapping_is_refused(document):
    with pytest.raises(ValueError, match=r"port document is .*, expected a mapping"):
        read_document(document)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"admin_state_up": "yes"}, "'admin_state_up' is str, expected true or false"),
        ({"fixed_ips": None}, "'fixed_ips' is NoneType, expected a list"),
        (
            {"fixed_ips": [{"ip_address": "10.64.1", "subnet_id": "x"}]},
            r"fixed_ips\[0\]: ip_address '10.64.1' is no address",
        ),
        ({"fixed_ips": [{"ip_address": "10.64.1.1"}]}, r"fixed_ips\[0\]: 'subnet_id' is missing"),
        ({"fixed_ips": ["10.64.1.1"]}, r"fixed_ips\[0\] is str, expected a mapping"),
        ({"allowed_address_pairs": [{"ip_address": "10.64.1.0/33"}]}, r"allowed_address_pairs\[0\]: ip_address"),
        ({"mac_address": "fa:16"}, "mac_address 'fa:16' is no MAC address"),
        ({"binding:host_id": None}, "'binding:host_id' is NoneType, expected a string"),
    ],
)
def test_a_malformed_port_is_named(change, words):
    document = raw_document()
    port = port_named(document, "hv1-vm0")
    port.update(change)
    with pytest.raises(ValueError, match=rf"ports\[\d+\] \(hv1-vm0, {port['id']}\).*{words}"):
        read_document(document)


def test_an_answer_to_a_user_who_is_no_administrator_is_refused_with_a_hint():
    document = raw_document()
    del document["ports"][3]["binding:host_id"]
    with pytest.raises(ValueError, match=r"'binding:host_id' is missing \(Neutron shows it to administrators only"):
        read_document(document)


def test_a_port_that_is_there_twice_is_refused():
    document = raw_document()
    document["ports"].append(document["ports"][0])
    with pytest.raises(ValueError, match="is in the document twice"):
        read_document(document)


def test_a_pair_without_mac_has_the_ports_and_host_bits_are_cut():
    document = raw_document()
    port_named(document, "hv1-vm0")["allowed_address_pairs"] = [{"ip_address": "10.64.7.9/28"}]
    pair = next(port for port in read_document(document).ports if port.name == "hv1-vm0").pairs[0]
    assert (str(pair.prefix), pair.mac) == ("10.64.7.0/28", "fa:16:3e:d3:01:2f")


def test_names_that_tenants_chose_write_nothing_on_a_terminal():
    document = raw_document()
    port_named(document, "hv1-vm0").update(name="\x1b[2Jweb\n", device_owner="compute:\x07nova")
    port = next(port for port in read_document(document).ports if port.name.endswith("web?"))
    assert (port.name, port.label, port.owner) == ("?[2Jweb?", "?[2Jweb?", "compute:?nova")


def test_a_subnet_that_is_no_id_is_named():
    document = raw_document()
    document["networks"][0]["subnets"] = [["nested"]]
    with pytest.raises(ValueError, match=r"its subnet \['nested'\] is not in 'subnets'"):
        read_document(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_whatever_stands_in_an_answer_it_is_read_or_refused_in_printable_words(data):
    document = raw_document()
    place = document
    while True:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(json_values)
    try:
        read_document(document)
    except ValueError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 1000
