"""The digest changes with the code that a script reaches, and with nothing else."""

from pathlib import Path

import pytest

from galaxies import code_digest as code_digest_module
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


def test_reworded_hint_changes_nothing(scripts):
    """Texts for people alone are kept in variables whose names end in "hint"; other texts count."""
    path = scripts / "galaxies/losses.py"
    text = (
        "MEND_HINT = f'do {1}'\nKIND = 'mean'\n\ndef mse(a, b):\n    hint = 'why'\n    return MEND_HINT, KIND, hint\n"
    )
    (scripts / "train.py").write_text("from galaxies.losses import mse\n\nmse(1, 2)\n")
    path.write_text(text)
    before = code_digest(scripts / "train.py")
    for old, new, same in (("do", "try", True), ("why", "because", True), ("'mean'", "'sum'", False)):
        path.write_text(text.replace(old, new))
        assert (code_digest(scripts / "train.py") == before) is same


def test_statement_that_runs_at_import_counts(scripts):
    before = code_digest(scripts / "plot.py")
    with (scripts / "galaxies/plots.py").open("a") as file:
        file.write("\nprint('imported')\n")
    assert code_digest(scripts / "plot.py") != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("galaxies/style.py", "COLOUR = 'blue'", "COLOUR = 'red'\nCOLOUR = 'blue'"),  # repeated
        ("galaxies/style.py", "COLOUR = 'blue'", "COLOUR = {}\n_old = COLOUR.setdefault(1, 2)"),  # acts, name unused
        ("galaxies/plots.py", "def bars", "from galaxies.losses import register\n\n@register\ndef bars"),
        ("galaxies/plots.py", "def bars", "import galaxies.losses\n\ndef bars"),
        ("galaxies/models/__init__.py", "", "SEEN = 1\nprint(SEEN)"),
    ],
)
def test_code_that_runs_at_import_counts(scripts, file, old, new):
    (scripts / "plot.py").write_text("from galaxies.plots import line\nfrom galaxies.models import gan\n\nline()\n")
    before = code_digest(scripts / "plot.py")
    path = scripts / file
    path.write_text(path.read_text().replace(old, new, 1) if old else new)
    assert code_digest(scripts / "plot.py") != before


def test_order_of_statements_counts(scripts):
    path = scripts / "galaxies/style.py"
    path.write_text("COLOUR = 1\nCOLOUR = 2\n")
    before = code_digest(scripts / "plot.py")
    path.write_text("COLOUR = 2\nCOLOUR = 1\n")
    assert code_digest(scripts / "plot.py") != before


def test_messages_do_not_count(scripts):
    path = scripts / "galaxies/style.py"
    path.write_text("import logging\nlogger = logging.getLogger(__name__)\nlogger.info('a %d', 1)\nCOLOUR = 1\n")
    before = code_digest(scripts / "plot.py")
    edit(path, "'a %d', 1", "'b %d', 1")
    assert code_digest(scripts / "plot.py") == before
    edit(path, "'b %d', 1", "'b %d', 2")
    assert code_digest(scripts / "plot.py") != before


@pytest.mark.parametrize("line", ["from galaxies.losses import *", "from .losses import mse"])
def test_imports_that_cannot_be_followed_are_refused(scripts, line):
    with (scripts / "galaxies/plots.py").open("a") as file:
        file.write(f"\n{line}\n")
    with pytest.raises(ValueError, match="import"):
        code_digest(scripts / "plot.py")


def test_unknown_module_is_an_error(scripts):
    with pytest.raises(FileNotFoundError, match="no_such"):
        code_digest(scripts / "train.py", "galaxies.models.no_such")


def test_scripts_of_figures_do_not_depend_on_training():
    """Otherwise an edit of the loop would redraw every figure."""
    folder = Path(__file__).parents[2] / "workflow/scripts"
    reached = {script.name: modules_reached(script) for script in folder.glob("*.py")}
    assert "training.py" in reached["train.py"]
    for name, modules in reached.items():
        if name.startswith(("plot_", "tabulate_")):
            assert not {"training.py", "compute.py", "device.py", "regression.py"} & modules


def modules_reached(script: Path) -> set[str]:
    """Names of the files whose removal of all code changes the digest."""
    library = sorted((script.parent / "galaxies").rglob("*.py"))
    with pytest.MonkeyPatch.context() as patch:
        read, names = [], set()
        original = Path.read_text
        patch.setattr(Path, "read_text", lambda path, **options: read.append(path) or original(path, **options))
        code_digest_module._parse.cache_clear()
        code_digest(script)
        names = {path.name for path in read if path in library}
    return names
