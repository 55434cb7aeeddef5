"""Digest of the code that a script executes, so that a rule reruns when that code changes and not otherwise.

Snakemake does not notice edits in imported modules. The digest starts at a script and follows `import` statements
through the library, symbol by symbol: of a module that is reached by `from galaxies.x import name`, only `name`, what
`name` uses inside that module, and the module's other executable statements count. It is taken from the syntax tree
without docstrings; comments, formatting and code that the script does not reach leave it unchanged.
"""

import ast
import functools
import hashlib
from pathlib import Path

LIBRARY = "galaxies"
WHOLE = "*"


def code_digest(script: Path, *also: str) -> str:
    """Digest of the code reached from `script` and from the library symbols named in `also`.

    script : an entry script; the folder beside it holds the library.
    also : what the script imports by a name that it reads from its settings: `galaxies.models.cnn` (the whole module)
        or `galaxies.models.cnn:build` (one symbol).
    Returns 64 hexadecimal digits. Raises FileNotFoundError if a script or module does not exist.
    """
    script = Path(script)
    reached: dict[str, set[str]] = {}  # statements in canonical form, by module
    pending = [(script, WHOLE)]
    for name in also:
        module, _, symbol = name.partition(":")
        path = _module_path(script.parent, module)
        if path is None:
            raise FileNotFoundError(f"no module {module} in {script.parent}")
        pending.append((path, symbol or WHOLE))
    seen: set[tuple[Path, str]] = set()
    while pending:
        path, symbol = pending.pop()
        if (path, symbol) in seen:
            continue
        seen.add((path, symbol))
        statements = _parse(path, path.stat().st_mtime_ns)
        for statement in statements.reached_by(symbol):
            reached.setdefault(path.relative_to(script.parent).as_posix(), set()).add(statement.text)
            for module, name in statement.imports:
                pending.extend(_targets(script.parent, module, name))
    digest = hashlib.sha256()
    for module in sorted(reached):
        digest.update(f"\n# {module}\n".encode())
        for text in sorted(reached[module]):
            digest.update(text.encode() + b"\n")
    return digest.hexdigest()


def _module_path(folder: Path, module: str) -> Path | None:
    """File of a library module, or None for modules of other packages."""
    if module.split(".")[0] != LIBRARY:
        return None
    base = folder.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _targets(folder: Path, module: str, name: str) -> list[tuple[Path, str]]:
    """Files and symbols that `from module import name` executes, packages on the way included."""
    path = _module_path(folder, module)
    if path is None:
        return []
    parts = module.split(".")
    packages = [_module_path(folder, ".".join(parts[:depth])) for depth in range(1, len(parts))]
    targets = [(package, "") for package in packages if package is not None]
    submodule = _module_path(folder, f"{module}.{name}") if name not in ("", WHOLE) else None
    return [*targets, (submodule, WHOLE) if submodule else (path, name)]


class _Statement:
    """One top-level statement: the names it binds, the names it uses, its library imports, its canonical text."""

    def __init__(self, node: ast.stmt):
        self.binds = _bound_names(node)
        self.is_import = isinstance(node, ast.Import | ast.ImportFrom)
        self.uses = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        self.imports = [pair for n in ast.walk(node) for pair in _library_imports(n)]
        self.text = ast.unparse(node)


class _Statements(list):
    """The statements of a module in order."""

    def reached_by(self, symbol: str) -> list[_Statement]:
        """Statements that importing `symbol` executes or may call; `*` is the whole module.

        Statements that bind no name (calls, `if`, loops) run at import and always count.
        """
        binders: dict[str, list[_Statement]] = {}
        for statement in self:
            for name in statement.binds:
                binders.setdefault(name, []).append(statement)
        if symbol == WHOLE or (symbol and symbol not in binders):
            return list(self)
        pending = [s for s in self if not s.binds] + binders.get(symbol, [])
        reached: list[_Statement] = []
        while pending:
            statement = pending.pop()
            if statement in reached:
                continue
            reached.append(statement)
            pending.extend(s for name in statement.uses for s in binders.get(name, []))
        return reached


def _bound_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return set()


def _library_imports(node: ast.AST) -> list[tuple[str, str]]:
    """(module, name) of each library symbol that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [(alias.name, WHOLE) for alias in node.names if alias.name.split(".")[0] == LIBRARY]
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == LIBRARY:
        return [(node.module, alias.name) for alias in node.names]
    return []


@functools.cache
def _parse(path: Path, _modified: int) -> _Statements:
    tree = _WithoutDocstrings().visit(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    return _Statements(_Statement(node) for node in tree.body)


class _WithoutDocstrings(ast.NodeTransformer):
    """Removes docstrings; a body that was only a docstring becomes `pass`."""

    def _strip(self, node):
        self.generic_visit(node)
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
        return node

    visit_Module = visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _strip
