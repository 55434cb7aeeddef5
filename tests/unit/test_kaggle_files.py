"""Kaggle's client against a server that imitates the programming interface of Kaggle, its refusals word by word."""

import base64
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field

import pytest
from kagglesdk import kaggle_env
from misbehaving_server import File, Handler, Server, serving, status

from galaxies.data.download import Patience
from galaxies.data.file_checks import archive_has
from galaxies.data.kaggle_files import download_competition_file
from galaxies.errors import DataError

GALAXIES, COURSE = "galaxy-zoo-the-galaxy-challenge", "cil-cosmology-2018"
SOLUTIONS = "training_solutions_rev1.zip"
SERVICE = "/api/v1/competitions.CompetitionApiService"
RULES = "You must accept this competition's rules before you'll be able to download files."
QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=0.02, silence=0.4, slowest=1, window=1)


def archive(member: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(member, "GalaxyID,Class1.1\n" * 4000)
    return buffer.getvalue()


CONTENT = archive("training_solutions_rev1.csv")
check = archive_has(1, ".csv", member_limit=10**6)


@dataclass
class Kaggle:
    """Competitions with their files; the token `good` and the pair ann, key are known. It redirects to a store."""

    store: Server
    files: dict[str, list[str]] = field(default_factory=lambda: {GALAXIES: [SOLUTIONS, "images_training_rev1.zip"]})
    accepted: bool = True
    issued: int = 0

    def __call__(self, handler: Handler) -> None:
        method = handler.path.removeprefix(f"{SERVICE}/")
        request = json.loads(handler.body)
        competition = request["competitionName"]
        pair = base64.b64encode(b"ann:key").decode()
        if handler.headers.get("Authorization") not in ("Bearer good", f"Basic {pair}"):
            status(401, b"Unauthorized", Content_Type="text/plain")(handler)
        elif competition not in self.files:
            self.refuse(handler, 403, "Permission 'competitions.get' was denied")
        elif method == "ListDataFiles":
            answer = {"files": [{"name": name} for name in self.files[competition]]}
            status(200, json.dumps(answer).encode(), Content_Type="application/json")(handler)
        elif not self.accepted:
            self.refuse(handler, 403, RULES)
        elif method == "DownloadDataFile" and request["fileName"] not in self.files[competition]:
            self.refuse(handler, 404, "Not found")
        else:
            self.issued += 1
            status(302, Location=f"{self.store.url}/{method}?signature=secret{self.issued}")(handler)

    @staticmethod
    def refuse(handler: Handler, code: int, message: str) -> None:
        body = json.dumps({"code": code, "message": message}).encode()
        status(code, body, Content_Type="application/json")(handler)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home without a token."""
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home" / ".kaggle"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(folder))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    return folder


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "good")


@pytest.fixture
def store():
    with serving(File(CONTENT).whole) as server:
        yield server


@pytest.fixture
def kaggle(store, monkeypatch):
    kaggle = Kaggle(store)
    with serving(kaggle) as server:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, server.url)
        kaggle.server = server
        yield kaggle


def fetch(tmp_path, competition=GALAXIES, file_name=SOLUTIONS, **settings):
    settings = {"check": check, "patience": QUICK, **settings}
    return download_competition_file(competition, file_name, tmp_path / "data" / "file.zip", **settings)


def refused(tmp_path, *args, **settings) -> str:
    with pytest.raises(DataError) as caught:
        fetch(tmp_path, *args, **settings)
    assert not any((tmp_path / "data").iterdir())
    return str(caught.value)


def test_a_file_of_a_competition(tmp_path, kaggle, token):
    assert fetch(tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in kaggle.server.requests] == [f"{SERVICE}/DownloadDataFile"]
    assert {path for path, _ in kaggle.store.requests} == {"/DownloadDataFile?signature=secret1"}
    assert not any("Authorization" in headers for _, headers in kaggle.store.requests)


def test_the_archive_of_all_files(tmp_path, kaggle, token):
    fetch(tmp_path, file_name=None)
    assert {path for path, _ in kaggle.store.requests} == {"/DownloadDataFiles?signature=secret1"}


@pytest.mark.parametrize("place", ["variable", "file in variable", "access_token", "pair", "kaggle.json"])
def test_the_token_is_found_in_its_usual_places(tmp_path, kaggle, home, monkeypatch, place):
    if place == "variable":
        monkeypatch.setenv("KAGGLE_API_TOKEN", "good")
    elif place == "file in variable":
        (tmp_path / "token").write_text("good\n")
        monkeypatch.setenv("KAGGLE_API_TOKEN", str(tmp_path / "token"))
    elif place == "access_token":
        (home / "access_token").write_text("good\n")
    elif place == "pair":
        monkeypatch.setenv("KAGGLE_USERNAME", "ann")
        monkeypatch.setenv("KAGGLE_KEY", "key")
    else:
        (home / "kaggle.json").write_text('{"username": "ann", "key": "key"}')
    assert fetch(tmp_path).read_bytes() == CONTENT


def test_a_cut_download_continues_under_a_new_address(tmp_path, kaggle, token):
    file = File(CONTENT)
    # The client asks for each address once itself, to follow redirects, and reads nothing of it.
    kaggle.store.behaviours[:] = [file.whole, file.cut(30_000), file.whole]
    fetch(tmp_path)
    assert kaggle.issued == 2
    assert kaggle.store.ranges()[-1] == "bytes=30000-"


def test_trouble_of_the_interface_is_waited_out(tmp_path, kaggle, token):
    kaggle.server.behaviours[:] = [status(503), status(429, Retry_After=0), File(b"", etag=None).silent(0, 0.6), kaggle]
    assert fetch(tmp_path, patience=Patience(attempts=4, first_wait=0.01, longest_wait=0.02, silence=0.4)).exists()


def test_a_missing_token_is_said_before_the_network_is_used(tmp_path, kaggle):
    message = refused(tmp_path, alternative="set `source: simulated`")
    assert "no Kaggle token found" in message
    for place in ("KAGGLE_API_TOKEN", "~/.kaggle/access_token", "KAGGLE_USERNAME", "kaggle.json"):
        assert place in message
    assert "https://www.kaggle.com/settings" in message
    assert message.endswith("or set `source: simulated`")
    assert not kaggle.server.requests


@pytest.mark.parametrize("text", ["not json", '{"username": "ann"}'])
def test_a_damaged_token_file_is_named(tmp_path, kaggle, home, text):
    (home / "kaggle.json").write_text(text)
    message = refused(tmp_path)
    assert str(home / "kaggle.json") in message
    assert "https://www.kaggle.com/settings" in message


def test_a_rejected_token(tmp_path, kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_1234")
    message = refused(tmp_path)
    assert "rejects the token (HTTP status 401)" in message
    assert "https://www.kaggle.com/settings" in message
    assert "KGAT_1234" not in message
    assert len(kaggle.server.requests) == 1


def test_rules_that_are_not_accepted(tmp_path, kaggle, token):
    kaggle.accepted = False
    message = refused(tmp_path)
    assert "its rules are not accepted" in message
    assert f"https://www.kaggle.com/c/{GALAXIES}/rules" in message
    assert len(kaggle.server.requests) == 1


def test_a_competition_by_invitation(tmp_path, kaggle, token):
    message = refused(tmp_path, COURSE, None, alternative="set `source: local`")
    assert f"{COURSE} is not open to the account of the token, or does not exist" in message
    assert "Permission 'competitions.get' was denied" in message
    assert f"https://www.kaggle.com/c/{COURSE} " in message
    assert "invitation" in message
    assert message.endswith("or set `source: local`")


def test_refusals_in_the_newer_form_are_understood(tmp_path, kaggle, token):
    body = json.dumps({"error": {"code": 403, "message": RULES, "status": "PERMISSION_DENIED"}}).encode()
    kaggle.server.behaviours[:] = [status(403, body, Content_Type="application/json")]
    assert "its rules are not accepted" in refused(tmp_path)


def test_a_file_that_the_competition_does_not_have(tmp_path, kaggle, token):
    message = refused(tmp_path, GALAXIES, "images.zip")
    assert f"has no file images.zip; it has: {SOLUTIONS}, images_training_rev1.zip" in message
    assert f"https://www.kaggle.com/c/{GALAXIES}/data" in message


def test_a_file_already_there_needs_neither_token_nor_network(tmp_path, kaggle):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file.zip").write_bytes(CONTENT)
    fetch(tmp_path)
    assert not kaggle.server.requests


def test_a_file_without_its_members_is_refused(tmp_path, kaggle, token):
    kaggle.store.behaviours[:] = [File(archive("notes.txt")).whole]
    message = refused(tmp_path)
    assert f"Kaggle competition {GALAXIES}, {SOLUTIONS} sends something else" in message
    assert "secret" not in message


def test_the_client_is_loaded_only_when_it_is_needed():
    program = "import sys, galaxies.data.kaggle_files; assert not {'kagglehub', 'kagglesdk'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})
