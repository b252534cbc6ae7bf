"""The only door out: names, homes, addresses and secrets become aliases that stay the same within one report.

``user-1``, ``host-1``, ``email-1``, ``ip-1``, ``mac-1``, ``gpu-uuid-1``, ``token-1``. Public addresses only: a private one says
something about the network and nothing about a person. Everything of a report goes through, its keys as well.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import re
from collections.abc import Iterable, Mapping
from typing import Any

from torchdoctor.model import Report
from torchdoctor.report.json_report import from_data, to_data

_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9_.-])(?P<name>[A-Za-z0-9_.-]{0,60}(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|KEY)(?:_ID)?)"
    r"(?P<sep>[\"']?\s{0,3}[=:]\s{0,3}|[\"'],\s{0,3})"
    r"(?P<value>\"[^\"\n]{1,4000}\"|'[^'\n]{1,4000}'|[^\s\"',;]{1,4000})",
    re.IGNORECASE,
)
_ENVIRONMENT_NAME = re.compile(r"^[A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|_KEY|APIKEY)(?:_ID)?$")
_PLAIN_NAME = re.compile(
    r"(?:(?:^|[_.-])(?:password|passwd|passphrase|secret|credentials?)"
    r"|(?:^|[_.-])(?:api|access|secret|private|auth|account|ssh|signing|encryption)[_-]?key(?:_id)?"
    r"|^token|(?:^|[_.-])(?:auth|access|api|hf|hub|refresh|bearer|session|github|gitlab|secret|wandb)[_-]?token)$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"^(?:none|null|true|false|\d{1,6}|\*+|<[^>]*>|[a-z_]\w*(?:\.[a-z_]\w*)+)$", re.IGNORECASE)
_FLAG = re.compile(
    r"(?P<name>--?[\w-]{0,40}(?:token|password|passwd|secret|api-key))(?P<sep>[= ]\s{0,3})(?P<value>[^\s\"',;-][^\s\"',;]{0,4000})", re.I
)
_AUTHORIZATION = re.compile(r"(?P<name>\b(?:Bearer|Basic))(?P<sep> {1,3})(?P<value>[A-Za-z0-9+/._~=-]{8,4000})")
_URL_LOGIN = re.compile(r"(?P<name>\b[a-z][a-z0-9+.-]{1,20}://)(?P<value>[^\s/@\"'<>]{1,400})(?=@)", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{1,10000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?")
_WANDB = re.compile(r"(?P<name>wandb[^\n]{0,80}?)(?P<value>(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f]))", re.IGNORECASE)
_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_[A-Za-z0-9]{8,}|api_org_[A-Za-z0-9]{8,}"  # Hugging Face
    r"|gh[pousr]_[A-Za-z0-9]{8,}|github_pat_[A-Za-z0-9_]{8,}|glpat-[\w-]{8,}"  # GitHub, GitLab
    r"|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}"  # AWS
    r"|sk-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{8,}|AIza[\w-]{20,}|nvapi-[\w-]{16,}|pypi-[\w-]{16,}|wandb_v1_\w{16,}"
    r"|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]{0,}"  # JSON web tokens
    r")"
)
_EMAIL = re.compile(r"(?<![\w.+@-])(?<!//)(?!git@)[\w.+-]{1,64}@(?=[\w-]{1,63}\.)[\w.-]{1,200}[A-Za-z]")
_HOME = re.compile(
    r"(?P<start>(?<![\w.])(?:/home/|/Users/|/var/home/|/export/home/)|\b[A-Za-z]:[\\/]{1,2}Users[\\/]{1,2})"
    r"(?P<user>(?<=\\)[^\\/:*?\"'<>|\n]{1,64}(?=\\)|[^\s/\\:\"'<>|,;()\[\]]{1,64})"
)
_IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])([23][0-9a-f]{3}:[0-9a-f:]{2,35})(?![\w:])", re.IGNORECASE)
_MAC = re.compile(r"(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])", re.IGNORECASE)
_GPU = re.compile(r"\b(?:GPU|MIG)-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_VERSION_BEFORE = re.compile(  # four numbers are also how NVIDIA counts: nvidia-cudnn-cu12 9.1.0.70
    r"(?:[=<>~!]=\s?|\bv|\b(?:version|release|driver|cudnn|cublas|cufft|cufile|curand|cusolver|cusparse|nccl|cuda|toolkit)\W{1,3}"
    r"|\bnvidia[_-][\w-]{1,60}[ -]|[_-]cu\d{1,3}[ (:-]{1,3}|\.so\.)$",
    re.IGNORECASE,
)
_ALIAS = re.compile(r"^(?:user|host|email|ip|mac|gpu-uuid|token)-\d+$")

_WORDS = frozenset({"verdict", "status", "who", "risk", "started"})
"""Keys of the report whose values are words of the contract."""

_HOST_KEYS = frozenset(
    {"hostname", "host_name", "node", "nodename", "fqdn", "host", "computer", "slurmd_nodename", "master_addr", "node_name"}
)
_USER_KEYS = frozenset({"user", "username", "user_name", "login", "logname", "owner"})
_COMMON = frozenset(
    (
        "root",
        "user",
        "users",
        "admin",
        "administrator",
        "ubuntu",
        "debian",
        "runner",
        "public",
        "default",
        "guest",
        "shared",
        "python",
        "torch",
        "nobody",
        "conda",
        "build",
        "jenkins",
        "localhost",
        "none",
        "host",
        "home",
        "test",
        "data",
        "work",
        "train",
        "model",
        "vagrant",
        "ec2-user",
        "jovyan",
        "cuda",
        "gpu",
        "cpu",
        "server",
        "linux",
        "mac",
        "macbook",
        "desktop",
        "laptop",
        "worker",
        "master",
        "node",
    )
)
"""Names that say nothing about anybody, and that would take words out of every sentence."""
_SHORTEST = 3  # characters of a name that is looked for outside of paths


def _is_secret(name: str, value: str) -> bool:
    """Whether the value given to this name is a secret: ``HF_TOKEN=...`` is, ``pad_token=0`` and ``sort_key=...`` are not."""
    if _ENVIRONMENT_NAME.match(name):
        return not re.fullmatch(r"(?:None|null)?", value)
    return bool(_PLAIN_NAME.search(name)) and not _NO_SECRET.match(value)


class Redactor:
    """Aliases for one report or one log. The same value gets the same alias for as long as the object lives."""

    def __init__(self, users: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        self._aliases: dict[str, dict[str, str]] = {}
        self._names: dict[str, str] = {}  # user or host name, lower case -> its alias
        for user in users:
            self._know("user", user)
        for host in hosts:
            self._know("host", host)

    def _alias(self, kind: str, value: str) -> str:
        if _ALIAS.match(value):
            return value
        known = self._aliases.setdefault(kind, {})
        return known.setdefault(value, f"{kind}-{len(known) + 1}")

    def _know(self, kind: str, name: str) -> None:
        """Remember a name, to be replaced wherever it stands as a word."""
        name = name.strip()
        if len(name) < _SHORTEST or name.lower() in _COMMON or _ALIAS.match(name) or re.fullmatch(r"[\d.:\[\]]+", name):
            return
        alias = self._alias(kind, name.lower())
        self._names[name.lower()] = alias
        short = name.lower().partition(".")[0]
        if kind == "host" and len(short) >= _SHORTEST and short not in _COMMON and not short.isdigit():
            self._names.setdefault(short, alias)

    def _learn(self, data: Any, key: str = "") -> None:
        """Collect the users and hosts that the data names."""
        if isinstance(data, Mapping):
            for name, value in data.items():
                self._learn(value, str(name))
        elif isinstance(data, (list, tuple)):
            for value in data:
                self._learn(value, key)
        elif isinstance(data, str):
            for found in _HOME.finditer(data):
                self._know("user", found["user"])
            if key.lower() in _HOST_KEYS and re.fullmatch(r"[\w.-]{1,253}", data):
                self._know("host", data)
            if key.lower() == "home":
                self._know("user", re.split(r"[\\/]", data.rstrip("\\/"))[-1])
            if key.lower() in _USER_KEYS and re.fullmatch(r"[\w.@\\-]{1,64}", data):
                self._know("user", data)

    def _secret(self, found: re.Match[str]) -> str:
        groups = found.groupdict()
        value = groups.get("value") or found[0]
        quote = value[0] if value[0] in "\"'" and value[-1] == value[0] and len(value) > 1 else ""
        bare = value.strip(quote) if quote else value
        if not bare or _ALIAS.match(bare):
            return found[0]
        if found.re is _ASSIGNED and not _is_secret(groups["name"], bare):
            return found[0]
        if found.re is _URL_LOGIN and bare == "git":
            return found[0]
        return f"{groups.get('name') or ''}{groups.get('sep') or ''}{quote}{self._alias('token', bare)}{quote}"

    def _address(self, found: re.Match[str]) -> str:
        text = found[1] if found.re is _IPV4 or found.re is _IPV6 else found[0]
        try:
            address = ipaddress.ip_address(text.rstrip(":"))
        except ValueError:
            return found[0]
        if not address.is_global:
            return found[0]
        if found.re is _IPV4:
            before = found.string[max(0, found.start() - 70) : found.start()]
            if _VERSION_BEFORE.search(before):
                return found[0]
        return self._alias("ip", str(address))

    def _name(self, found: re.Match[str]) -> str:
        return self._names[found[0].lower()]

    def text(self, text: str) -> str:
        """The text with aliases in place of everything personal. Applying it twice changes nothing further."""
        for found in _HOME.finditer(text):
            self._know("user", found["user"])
        return self._text(text)

    def _text(self, text: str) -> str:
        for pattern in (_PEM, _TOKENS, _URL_LOGIN, _AUTHORIZATION, _WANDB, _ASSIGNED, _FLAG):
            text = pattern.sub(self._secret, text)
        text = _EMAIL.sub(lambda found: self._alias("email", found[0].lower()), text)
        text = _GPU.sub(lambda found: self._alias("gpu-uuid", found[0].lower()), text)
        text = _MAC.sub(lambda found: self._alias("mac", found[0].lower()), text)
        text = _HOME.sub(lambda found: found["start"] + self._home(found["user"]), text)
        if self._names:
            names = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
            text = re.sub(rf"(?<![A-Za-z0-9_])(?:{names})(?![A-Za-z0-9_])", self._name, text, flags=re.IGNORECASE)
        return _IPV6.sub(self._address, _IPV4.sub(self._address, text))

    def _home(self, user: str) -> str:
        return user if user.lower() in _COMMON else self._alias("user", user.lower())

    def _walk(self, data: Any, key: str = "", contract: bool = False) -> Any:
        """Every string of the data. ``contract``: the report's own form, whose keys and words are not anybody's."""
        if isinstance(data, Mapping):
            return {
                str(name) if contract else self._text(str(name)): self._walk(value, str(name), contract and name != "facts")
                for name, value in data.items()
            }
        if isinstance(data, (list, tuple)):
            return [self._walk(value, key, contract) for value in data]
        if not isinstance(data, str) or (contract and key in _WORDS):
            return data
        if data and not contract and _is_secret(key, data):
            return self._alias("token", data)
        if re.fullmatch(r"[\d.]+", data) and re.search("version|driver|^nvidia[-_]", key, re.IGNORECASE):
            return data
        return self._text(data)

    def data(self, data: Any) -> Any:
        """Any JSON data with every text of it redacted, its keys as well."""
        self._learn(data)
        return self._walk(data)

    def report(self, report: Report) -> Report:
        """The report with every field redacted; the same in form, so that every renderer can show it."""
        data = to_data(report)
        self._learn(data)
        return from_data(self._walk(data, contract=True))


def for_this_machine() -> Redactor:
    """A redactor that also knows the user and the host name of the machine it runs on."""
    users = [os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME")]
    users.append(os.path.basename(os.path.expanduser("~")))
    return Redactor(users, [platform.node()])
