"""The digest changes with the code that a script reaches, and with nothing else."""

from pathlib import Path

import pytest

from galaxies.code_digest import code_digest

FILES = {
    "train.py": '''
        """Train."""
        from galaxies.losses import mse
        import importlib

        def main(x):
            """Run."""
            return mse(x, importlib.import_module("galaxies.models.cnn").build())
    ''',
    "plot.py": "from galaxies.plots import line\n\nline()\n",
    "galaxies/__init__.py": '"""Library."""\n',
    "galaxies/losses.py": '''
        """Losses."""
        import math

        SCALE = 2

        def mse(a, b):
            """Mean squared error."""
            return _square(a - b) * SCALE  # why

        def _square(x):
            return x * x

        def hinge(a):
            return math.fabs(a)
    ''',
    "galaxies/plots.py": """
        from galaxies.style import COLOUR

        def line():
            return COLOUR

        def bars():
            return 1
    """,
    "galaxies/style.py": "COLOUR = 'blue'\n",
    "galaxies/models/__init__.py": "",
    "galaxies/models/cnn.py": "def build():\n    return 3\n",
    "galaxies/models/gan.py": "def build():\n    return 4\n",
}


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    import textwrap

    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def digests(scripts: Path) -> tuple[str, str]:
    return code_digest(scripts / "train.py", "galaxies.models.cnn:build"), code_digest(scripts / "plot.py")


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("galaxies/losses.py", "# why", "# because", (False, False)),
        ("galaxies/losses.py", '"""Mean squared error."""', '"""MSE."""', (False, False)),
        ("galaxies/losses.py", "x * x", "x ** 2", (True, False)),
        ("galaxies/losses.py", "SCALE = 2", "SCALE = 3", (True, False)),
        ("galaxies/losses.py", "math.fabs(a)", "abs(a)", (False, False)),
        ("galaxies/style.py", "blue", "red", (False, True)),
        ("galaxies/plots.py", "return 1", "return 2", (False, False)),
        ("galaxies/models/cnn.py", "3", "5", (True, False)),
        ("galaxies/models/gan.py", "4", "5", (False, False)),
        ("galaxies/__init__.py", '"""Library."""', "print(1)", (True, True)),
        ("train.py", "Run.", "Run it.", (False, False)),
        ("train.py", "return mse", "return 1 + mse", (True, False)),
    ],
)
def test_only_reached_code_counts(scripts, file, old, new, changes):
    before = digests(scripts)
    edit(scripts / file, old, new)
    after = digests(scripts)
    assert tuple(a != b for a, b in zip(before, after, strict=True)) == changes


def test_import_inside_a_function_is_followed(scripts):
    edit(scripts / "plot.py", "line()", "def later():\n    from galaxies.losses import hinge\n    return hinge(1)\n")
    before = code_digest(scripts / "plot.py")
    edit(scripts / "galaxies/losses.py", "math.fabs(a)", "abs(a)")
    assert code_digest(scripts / "plot.py") != before


def test_statement_that_runs_at_import_counts(scripts):
    before = code_digest(scripts / "plot.py")
    with (scripts / "galaxies/plots.py").open("a") as file:
        file.write("\nprint('imported')\n")
    assert code_digest(scripts / "plot.py") != before


def test_unknown_module_is_an_error(scripts):
    with pytest.raises(FileNotFoundError, match="no_such"):
        code_digest(scripts / "train.py", "galaxies.models.no_such")


def test_every_entry_script_has_a_digest():
    folder = Path(__file__).parents[2] / "workflow/scripts"
    found = {code_digest(script) for script in folder.glob("*.py")}
    assert len(found) == len(list(folder.glob("*.py")))
