"""Broken arguments of config_files and sysctl_file."""

from __future__ import annotations

from .arguments import LONG, Case, file, files, sysctls

FILE_CASES: list[Case] = [
    (
        "a file without content",
        "config_files",
        files({"path": "{tmp}/other"}),
        "files[1].content is missing: expected the content of {tmp}/other as a string",
    ),
    (
        "a relative path",
        "config_files",
        files(file(path="etc/other")),
        "files[1].path = 'etc/other': expected an absolute path of printable characters",
    ),
    (
        "a line break in a path",
        "config_files",
        files(file(path="{tmp}/a\nb")),
        "files[1].path = '{tmp}/a\\nb': expected an absolute path of printable characters",
    ),
    (
        "a null in a path",
        "config_files",
        files(file(path="{tmp}/a\0b")),
        "files[1].path = '{tmp}/a\\x00b': expected an absolute path of printable characters",
    ),
    (
        "a path that is a folder",
        "config_files",
        files(file(path="{tmp}/folder")),
        "files[1].path = '{tmp}/folder': expected a file, this is a folder",
    ),
    (
        "a path below a file",
        "config_files",
        files(file(path="{tmp}/file/below")),
        "files[1].path = '{tmp}/file/below': expected a file below folders, {tmp}/file is none",
    ),
    (
        "a name of a thousand characters",
        "config_files",
        files(file(path="/" + "n" * 1000)),
        f"files[1].path = '/{'n' * 77}…: expected an absolute path of printable characters",
    ),
    (
        "a file listed twice",
        "config_files",
        files(file(path="{tmp}/new")),
        "files[1].path = '{tmp}/new': expected each file once, files[0].path has it",
    ),
    (
        "a file written and removed",
        "config_files",
        files(file(), absent=["{tmp}/other"]),
        "absent[0] = '{tmp}/other': expected each file once, files[1].path has it",
    ),
    (
        "a folder to remove",
        "config_files",
        files(absent=["{tmp}/folder"]),
        "absent[0] = '{tmp}/folder': expected a file, this is a folder",
    ),
    (
        "a mode in letters",
        "config_files",
        files(file(mode="u=rw")),
        "files[1].mode = 'u=rw': expected an octal number in quotes, such as '0644'",
    ),
    (
        "a mode beyond the permissions",
        "config_files",
        files(file(mode="0999")),
        "files[1].mode = '0999': expected an octal number in quotes, such as '0644'",
    ),
    (
        "a user that is not there",
        "config_files",
        files(file(owner="nobody-of-that-name")),
        "{tmp}/other: no such user: 'nobody-of-that-name'; none of the files was changed",
    ),
    (
        "a user with a line break",
        "config_files",
        files(file(owner="root\nroot")),
        "files[1].owner = 'root\\nroot': expected the name of a user or group",
    ),
    (
        "a checker without the file",
        "config_files",
        files(file(validate="true")),
        "files[1].validate = 'true': expected a command with %s for the file",
    ),
    (
        "a checker with an open quote",
        "config_files",
        files(file(validate="grep 'x %s")),
        'files[1].validate = "grep \'x %s": expected a command with %s for the file (No closing quotation)',
    ),
    (
        "a checker that refuses",
        "config_files",
        files(file(validate="grep -q y %s")),
        "{tmp}/other: refused by grep: exit status 1; none of the files was changed",
    ),
    (
        "a misspelt key of a file",
        "config_files",
        files(file(contents="x")),
        "Unsupported parameters for (roth.fabric.config_files) module: files.contents. Supported parameters "
        "include: content, group, mode, owner, path, secret_pattern, silent_is_valid, validate. Did you mean content?",
    ),
    (
        "a secret for no file",
        "config_files",
        files(secrets={"{tmp}/key": "canary"}),
        "secrets['{tmp}/key']: expected the path of one of the files",
    ),
    (
        "a secret that is a list",
        "config_files",
        files({"path": "{tmp}/key"}, secrets={"{tmp}/key": ["canary"]}),
        "secrets['{tmp}/key'] is list: expected the content of {tmp}/key as a string",
    ),
    (
        "secrets as a string",
        "config_files",
        files(secrets="canary"),
        "argument 'secrets' is of type str and we were unable to convert to dict: dictionary requested, could"
        " not parse JSON or key=value",
    ),
    (
        "a checker that refuses a secret",
        "config_files",
        files({"path": "{tmp}/key", "validate": "grep canary-no %s"}, secrets={"{tmp}/key": "canary"}),
        "{tmp}/key: refused by grep: the file holds secrets, so what it said is not shown; none of the files "
        "was changed",
    ),
]
SYSCTL_CASES: list[Case] = [
    (
        "a relative record of kernel settings",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1", record="found.json"),
        "record = 'found.json': expected an absolute path of printable characters",
    ),
    (
        "a record of kernel settings that is none",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 0", record="{tmp}/file"),
        "{tmp}/file: expected a JSON object of values by path; nothing was written",
    ),
    (
        "a line without a value",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1\nnet/ipv4/conf/all/rp_filter"),
        "content: line 2: 'net/ipv4/conf/all/rp_filter' is no 'name = value'",
    ),
    (
        "a file elsewhere by an absolute name",
        "sysctl_file",
        sysctls("/etc/passwd = x"),
        "content: line 1: '/etc/passwd' is no name of a kernel setting; expected one like net/ipv4/ip_forward",
    ),
    (
        "a file elsewhere by its parents",
        "sysctl_file",
        sysctls("net/../../../etc/passwd = x"),
        "content: line 1: 'net/../../../etc/passwd' is no name of a kernel setting; expected one like "
        "net/ipv4/ip_forward",
    ),
    (
        "a setting with two values",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1\nnet.ipv4.ip_forward = 0"),
        "content: line 2: net/ipv4/ip_forward is set to '1' before; expected one value",
    ),
    (
        "a control character in a value",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1\x1b"),
        "content: line 1: 'net/ipv4/ip_forward = 1\\x1b' has control or non-ASCII characters",
    ),
    (
        "a value that is no ASCII",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = \u0661"),
        "content: line 1: 'net/ipv4/ip_forward = \u0661' has control or non-ASCII characters",
    ),
    (
        "a setting that is a folder",
        "sysctl_file",
        sysctls("net/ipv4 = 1"),
        "content: net/ipv4 cannot be read: Is a directory",
    ),
    (
        "a setting that this kernel has not",
        "sysctl_file",
        sysctls("net/ipv4/ip_forwards = 1"),
        "{tmp}/60-test.conf: this kernel has no net/ipv4/ip_forwards; nothing was written",
    ),
    (
        "a value that the kernel refuses after a good one",
        "sysctl_file",
        sysctls("net/ipv4/conf/v0/rp_filter = 2\nnet/ipv4/conf/v0/arp_ignore = many"),
        "{tmp}/60-test.conf: net/ipv4/conf/v0/arp_ignore = 'many': Invalid argument; nothing was changed",
    ),
    (
        "a value of a million characters",
        "sysctl_file",
        sysctls(f"net/ipv4/ip_forward = {LONG}"),
        "{tmp}/60-test.conf: net/ipv4/ip_forward = "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026: Invalid argument; "
        "nothing was changed",
    ),
    (
        "a sysctl file in no folder",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1", path="{tmp}/none/x.conf"),
        "path = '{tmp}/none/x.conf': expected a file in a folder that exists",
    ),
    (
        "a sysctl file that is a folder",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1", path="{tmp}/folder"),
        "path = '{tmp}/folder': expected a file, this is a folder",
    ),
    (
        "a misspelt option of a sysctl file",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1", contents="x"),
        "Unsupported parameters for (roth.fabric.sysctl_file) module: contents. Supported parameters include:"
        " content, path, record, state. Did you mean content?",
    ),
]
