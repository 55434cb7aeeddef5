"""The crate of a run, judged by the validator of its profile, offline."""

import io
import json
from importlib.resources import files
from pathlib import Path

import pytest
import requests
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import Severity
from small_run import RESULTS, write_run
from urllib3 import HTTPResponse

import describe_crate

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
METADATA = Path(RESULTS) / "ro-crate-metadata.json"


class Shipped(BaseAdapter):
    """Serves the context that rocrate ships, of a later version, with Bioschemas' terms as they were in 1.1."""

    def send(self, request, **options):
        text = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.headers["Content-Type"] = "application/ld+json"
        response._content = text.replace(b"https://bioschemas.org/terms/", b"https://bioschemas.org/")
        response.raw = HTTPResponse(io.BytesIO(response.content), response.headers, 200, preload_content=False)
        return response

    def close(self):
        pass


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What the validator would download."""
    path = tmp_path_factory.mktemp("validator") / "cache"
    with CachedSession(str(path), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Shipped())
        assert session.get(CONTEXT).ok
    return path


@pytest.fixture
def describe(tmp_path, monkeypatch):
    """Function that describes the small run."""
    monkeypatch.chdir(tmp_path)
    run = write_run()
    project = tmp_path / "project"
    for part in ("workflow", "config", "envs", "profiles"):
        (project / part).mkdir(parents=True)
    for part in ("Snakefile", "requirements.lock", "workflow/rules.smk"):
        (project / part).write_text(f"text of {part}")
    Path(RESULTS, "config.yaml").write_text("run: small\n")

    def describe(number=0):
        record, copy = run.record(), Path(RESULTS) / f"summary/workflow{number or ''}"
        describe_crate.main(record, METADATA, copy, config=Path(RESULTS, "config.yaml"), project=project)
        return json.loads(METADATA.read_text())["@graph"]

    return describe


def failures(cache):
    """Requirements of the profile, and of those that it is built on, that the crate in its place does not meet."""
    result = services.validate(
        services.ValidationSettings(
            rocrate_uri=RESULTS,
            profile_identifier="provenance-run-crate",
            requirement_severity=Severity.REQUIRED,
            offline=True,
            cache_path=cache,
        )
    )
    return [issue.message for issue in result.get_issues()]


@pytest.mark.slow
def test_crate_meets_its_profile(describe, cache):
    describe()
    assert failures(cache) == []


@pytest.mark.slow
def test_crate_without_files_that_were_deleted_after_their_use(describe, cache):
    Path(RESULTS, "first/net/seed0/model.pt").unlink()
    graph = {entity["@id"] for entity in describe()}
    assert f"#deleted-{RESULTS}/first/net/seed0/model.pt" in graph
    assert failures(cache) == []


@pytest.mark.slow
def test_validator_would_notice(describe, cache):
    """Without its steps, or without a file that it names."""
    graph = describe()
    text = METADATA.read_text()
    workflow = next(entity for entity in graph if entity["@id"].endswith("Snakefile"))
    del workflow["step"]
    METADATA.write_text(json.dumps(json.loads(text) | {"@graph": graph}))
    assert any("step" in message for message in failures(cache))
    METADATA.write_text(text)
    Path(RESULTS, "first/fig1.pdf").unlink()
    assert any("first/fig1.pdf" in message for message in failures(cache))


def test_every_job_is_an_action_and_every_file_there_once(describe):
    graph = {entity["@id"]: entity for entity in describe()}
    record = json.loads(Path(RESULTS, "summary/provenance.json").read_text())
    jobs = [entity for name, entity in graph.items() if name.startswith("#job-")]
    assert len(jobs) == len(record["jobs"])
    training = graph["#job-first/net/seed1/cost.json"]
    made = {f"first/net/seed1/{name}" for name in ("model.pt", "cost.json")}
    assert {result["@id"] for result in training["result"]} == made
    used = [graph[reference["@id"]] for reference in training["object"]]
    settings = json.dumps(record["experiments"]["first"]["net"], sort_keys=True)
    assert {entity.get("value") for entity in used} == {None, "1", "c" * 64, settings}
    assert graph["first/fig1.png"]["sha256"] == record["files"][f"{RESULTS}/first/fig1.png"]["sha256"]
    assert graph["data/sky/simulated/"]["@type"] == "Dataset"
    assert graph["#source-config/reported.csv"]["@type"] == "CreativeWork"
    assert graph["#snakemake"]["softwareVersion"] == "9.0"
    assert "summary/workflow/workflow/rules.smk" in {
        path.relative_to(RESULTS).as_posix() for path in Path(RESULTS).rglob("*.smk")
    }


def test_the_same_run_gives_the_same_bytes(describe):
    describe()
    first = METADATA.read_text()
    describe(1)
    assert METADATA.read_text() == first.replace("summary/workflow/", "summary/workflow1/")
