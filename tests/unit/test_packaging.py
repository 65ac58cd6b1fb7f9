"""The wheel and the sdist hold everything, and the program runs from a wheel in any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import asm_sim
from asm_sim.documents import read_document
from asm_sim.results.open import FOR_CLUSTERS

ROOT = Path(__file__).parents[2]
NAME = f"asm_sim-{asm_sim.__version__}"
TIMEOUT = 300
# The fields of the Citation File Format 1.2.0 for the file and for an author.
CFF = {
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi",
    "identifiers", "keywords", "license", "license-url", "message", "preferred-citation",
    "references", "repository", "repository-artifact", "repository-code", "title", "type", "url",
    "version",
}  # fmt: skip
PERSON = {"address", "affiliation", "alias", "city", "country", "email", "family-names", "fax",
          "given-names", "name-particle", "name-suffix", "orcid", "post-code", "region", "tel",
          "website"}  # fmt: skip
ENTITY = {"address", "alias", "city", "country", "date-end", "date-start", "email", "fax",
          "location", "name", "orcid", "post-code", "region", "tel", "website"}  # fmt: skip

FROM_A_WHEEL = """
import json, pandas, asm_sim as asm
from asm_sim.reports.origin import citations
from asm_sim.scenario.load import shipped
table = asm.score(pandas.read_csv("clinicians.csv", dtype={"clinician_id": str}))
run = asm.simulate("baseline", draws=2, open_draws=0)
print(json.dumps({
    "file": asm.__file__, "cohorts": sorted(set(table["cohort"])), "sizes": dict(run.sizes),
    "scenarios": [entry.name for entry in shipped()], "citation": citations(run)[0],
}))
"""

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="which files belong to the project is what git says"
)


def python(*arguments: str, folder: Path, site: Path | None = None) -> str:
    """What a Python of this environment prints; with ``site`` in place of this tree."""
    surroundings = {**os.environ, "PYTHONPATH": str(site or "")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=surroundings, capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    python("-m", "hatchling", "build", "-d", str(folder), folder=ROOT)
    return folder


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the wheel, beside the libraries that are there."""
    folder = tmp_path_factory.mktemp("site")
    wheel = str(next(built.glob("*.whl")))
    quick = ("--no-deps", "--no-compile", "--no-index", "--disable-pip-version-check")
    python("-m", "pip", "install", "-q", *quick, "--target", str(folder), wheel, folder=folder)
    return folder


def test_the_sdist_holds_the_project(built: Path) -> None:
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        inside = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    assert tracked() - inside == set()


def test_the_wheel_holds_the_package_and_its_scenarios(built: Path) -> None:
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as archive:
        inside = set(archive.namelist())
    wanted = {name for name in tracked() if name.startswith("asm_sim/")}
    wanted |= {
        name.replace("scenarios/", "asm_sim/scenario/shipped/", 1)
        for name in tracked()
        if name.startswith("scenarios/")
    }
    assert wanted - inside == set()
    assert {"asm_sim/reports/CITATION.cff", "asm_sim/py.typed"} <= inside
    outside = {name for name in inside if not name.startswith(("asm_sim/", f"{NAME}.dist-info/"))}
    assert outside == set()


def test_a_wheel_of_the_sdist_is_the_same(built: Path, tmp_path: Path) -> None:
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    again = ("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    python(*again, folder=tmp_path / NAME)
    names = []
    for folder in (built, tmp_path):
        with zipfile.ZipFile(folder / f"{NAME}-py3-none-any.whl") as archive:
            names.append(sorted(archive.namelist()))
    assert names[0] == names[1]


def test_it_runs_from_a_wheel_in_any_folder(site: Path, tmp_path: Path) -> None:
    """A table scored and a scenario simulated and reported, by what was installed alone."""
    version = python("-m", "asm_sim", "--version", folder=tmp_path, site=site)
    assert version == f"asm-sim {asm_sim.__version__}\n"
    python("-m", "asm_sim", "score", "--example", folder=tmp_path, site=site)
    told = json.loads(python("-c", FROM_A_WHEEL, folder=tmp_path, site=site))
    assert Path(told["file"]) == site / "asm_sim" / "__init__.py"
    assert set(told["cohorts"]) == {"HF", "LBP"}
    assert told["sizes"]["draw"] == 2
    assert asm_sim.__version__ in told["citation"]
    assert "baseline" in told["scenarios"]


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]


def test_messages_name_the_packages_of_the_extra() -> None:
    """Which an index has, where it has not asm_sim itself."""
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [one.partition(">=")[0] for one in extra["cluster"]] == FOR_CLUSTERS.split()


def test_the_citation_is_valid_and_of_this_version() -> None:
    about = read_document(ROOT / "CITATION.cff", "CITATION.cff").data
    assert set(about) <= CFF
    assert {"authors", "cff-version", "message", "title"} <= set(about)
    assert (about["cff-version"], about["type"]) == ("1.2.0", "software")
    assert about["version"] == asm_sim.__version__
    for author in about["authors"]:
        assert set(author) <= (ENTITY if "name" in author else PERSON)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert about["license"] == project["license"]
