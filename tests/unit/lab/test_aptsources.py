"""The machine's apt sources, reduced to those of its distribution."""

from __future__ import annotations

from lab.aptsources import AptSource, of_distribution, parse_deb822, parse_one_line, parse_origins

DEB822 = """\
# the distribution
Types: deb deb-src
URIs: http://deb.example.org/packages/
Suites: bookworm bookworm-updates
# a comment within a stanza
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://example.org/off
Suites: bookworm
Components: main

Types: deb
URIs: http://example.org/inline
Suites: bookworm
Components: stable
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_deb822_stanzas_become_one_source_a_suite():
    first, second, inline = parse_deb822(DEB822)
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert first == AptSource("http://deb.example.org/packages", "bookworm", ("main", "contrib"), key)
    assert second.suite == "bookworm-updates"
    assert inline.signed_by.startswith("-----BEGIN")


def test_one_line_entries_are_read_with_their_options():
    text = (
        "# deb http://example.org/ no main\n"
        "deb-src http://example.org/ bookworm main\n"
        'deb [arch=amd64 signed-by="/a.gpg,/b.gpg"] http://example.org/packages/ bookworm main contrib # comment\n'
    )
    assert list(parse_one_line(text)) == [
        AptSource("http://example.org/packages", "bookworm", ("main", "contrib"), "/a.gpg,/b.gpg")
    ]


def test_third_parties_with_a_suite_of_the_same_name_are_left_out():
    sources = [
        AptSource("http://deb.example.org/packages", "bookworm", ("main",)),
        AptSource("http://deb.example.org/packages", "bookworm-backports", ("main",)),
        AptSource("https://example.org/packages", "bookworm", ("main",)),
    ]
    origins = parse_origins(
        "Debian|bookworm|bookworm|http://deb.example.org/packages/\n"
        "Debian Backports|bookworm-backports|bookworm-backports|http://deb.example.org/packages/\n"
        "Example|bookworm|bookworm|https://example.org/packages/\n"
    )
    assert of_distribution(sources, origins, "debian", "bookworm") == sources[:1]


def test_a_suite_called_stable_is_known_by_its_codename():
    sources = [AptSource("http://deb.example.org/packages", "stable-updates", ("main",))]
    origins = parse_origins("Debian|bookworm-updates|stable-updates|http://deb.example.org/packages/\n")
    (found,) = of_distribution(sources, origins, "debian", "bookworm")
    assert found.suite == "bookworm-updates"


def test_an_archive_apt_has_not_read_is_left_out():
    sources = [AptSource("http://deb.example.org/packages", "bookworm", ("main",))]
    assert (
        of_distribution(sources, parse_origins("||bookworm|http://deb.example.org/packages/\n"), "debian", "bookworm")
        == []
    )


def test_another_release_comes_from_the_same_archive():
    source = AptSource("http://deb.example.org/packages", "bookworm-updates", ("main",))
    moved = source.moved_to("bookworm", "trixie")
    assert moved.line("/k.gpg") == 'deb [signed-by="/k.gpg"] http://deb.example.org/packages trixie-updates main'
