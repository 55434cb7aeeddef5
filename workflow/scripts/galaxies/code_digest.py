"""Digest of the code that a script executes, so that a rule reruns when that code changes and not otherwise.

Snakemake does not notice edits in imported modules. The digest starts at a script and follows `import` statements
through the library, symbol by symbol: of a module that is reached by `from galaxies.x import name`, only `name`, what
`name` uses inside that module, and the module's other executable statements count. It is taken from the syntax tree
without docstrings and messages (log calls, raised exceptions, variables whose name ends in "hint"); comments,
formatting and code that the script does not reach leave it unchanged.
"""

import ast
import functools
import hashlib
from pathlib import Path

LIBRARY = "galaxies"
WHOLE, NOTHING = "*", ""  # instead of a symbol: the whole module; only what runs at import


def code_digest(script: Path, *also: str) -> str:
    """Digest of the code reached from `script` and from the library symbols named in `also`.

    script : an entry script; the folder beside it holds the library.
    also : what the script imports by a name that it reads from its settings: `galaxies.models.cnn` (the whole module)
        or `galaxies.models.cnn:build` (one symbol).
    Returns 64 hexadecimal digits. Raises FileNotFoundError if a script or module does not exist, and ValueError for a
    star or relative import in the library, whose symbols cannot be followed. Names that are looked up by strings
    (`getattr`, `globals`) are not followed either; give them in `also`.
    """
    script = Path(script)
    modules: dict[Path, _Statements] = {}
    reached: dict[Path, set[int]] = {}  # positions of statements, by module
    pending = [(script, WHOLE)]
    for name in also:
        module, _, symbol = name.partition(":")
        path = _module_path(script.parent, module)
        if path is None:
            raise FileNotFoundError(f"no module {module} in {script.parent}")
        pending.extend(_targets(script.parent, module, symbol or WHOLE))
    seen: set[tuple[Path, str]] = set()
    while pending:
        path, symbol = pending.pop()
        if (path, symbol) in seen:
            continue
        seen.add((path, symbol))
        if path not in modules:
            modules[path] = _parse(path, path.stat().st_mtime_ns)
        statements = modules[path]
        for position in statements.reached_by(symbol):
            if position not in reached.setdefault(path, set()):
                reached[path].add(position)
                for module, name in statements[position].imports:
                    pending.extend(_targets(script.parent, module, name))
    digest = hashlib.sha256()
    for path in sorted(reached):
        digest.update(f"\n# {path.relative_to(script.parent).as_posix()}\n".encode())
        for position in sorted(reached[path]):
            digest.update(modules[path][position].text.encode() + b"\n")
    return digest.hexdigest()


@functools.cache  # asked some ten thousand times for the digests of a run
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
    packages = [_module_path(folder, ".".join(parts[:depth])) for depth in range(1, len(parts) + 1)]
    targets = [(package, NOTHING) for package in packages if package is not None and package.name == "__init__.py"]
    submodule = _module_path(folder, f"{module}.{name}") if name != WHOLE else None
    return [*targets, (submodule, WHOLE) if submodule else (path, name)]


class _Statement:
    """One top-level statement: the names it binds, the names it uses, its library imports, its canonical text."""

    def __init__(self, node: ast.stmt):
        self.node = node
        parts = list(ast.walk(node))
        self.binds = _bound_names(node)
        self.uses = {n.id for n in parts if isinstance(n, ast.Name)}
        self.imports = [
            pair for n in parts if isinstance(n, ast.Import | ast.ImportFrom) for pair in _library_imports(n)
        ]
        self.decorators = {n.id for d in getattr(node, "decorator_list", []) for n in ast.walk(d) if hasattr(n, "id")}
        self.defines = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list
        # What it does at import goes beyond binding names: it calls something, or changes a part of something.
        self.acts = not self.binds or (
            (
                isinstance(node, ast.Assign | ast.AnnAssign)
                and any(isinstance(n, ast.Call | ast.NamedExpr) for n in parts)
            )
            or (isinstance(node, ast.Import) and bool(self.imports))
        )

    @functools.cached_property  # many statements are never reached
    def text(self) -> str:
        return ast.unparse(self.node)


class _Statements(list):
    """The statements of a module in order."""

    def reached_by(self, symbol: str) -> list[int]:
        """Positions of the statements that importing `symbol` executes or may call; `*` is the whole module.

        Statements that do more than bind names at import (calls, `if`, loops, definitions under a decorator of the
        library, which may register them) always count.
        """
        binders: dict[str, list[int]] = {}
        for position, statement in enumerate(self):
            for name in statement.binds:
                binders.setdefault(name, []).append(position)
        if symbol == WHOLE or (symbol != NOTHING and symbol not in binders):
            return list(range(len(self)))
        ours = {n for s in self if s.imports or s.defines for n in s.binds}
        pending = [i for i, s in enumerate(self) if s.acts or s.decorators & ours] + binders.get(symbol, [])
        reached: set[int] = set()
        while pending:
            position = pending.pop()
            if position not in reached:
                reached.add(position)
                pending.extend(i for name in self[position].uses for i in binders.get(name, []))
        return sorted(reached)


def _bound_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if all(isinstance(target, ast.Name | ast.Tuple) for target in targets):  # not `table[key] = value`
            return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return set()


def _library_imports(node: ast.AST) -> list[tuple[str, str]]:
    """(module, name) of each library symbol that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [(alias.name, WHOLE) for alias in node.names if alias.name.split(".")[0] == LIBRARY]
    if isinstance(node, ast.ImportFrom) and node.level:
        raise ValueError(f"relative import of {node.module}: write `from {LIBRARY}. ... import`")
    if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == LIBRARY:
        if node.names[0].name == "*":
            raise ValueError(f"`from {node.module} import *`: name what is imported")
        return [(node.module, alias.name) for alias in node.names]
    return []


@functools.cache
def _parse(path: Path, _modified: int) -> _Statements:
    tree = _WithoutTexts().visit(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    return _Statements(_Statement(node) for node in tree.body)


class _WithoutTexts(ast.NodeTransformer):
    """Removes what only people read: docstrings (a body that was nothing else becomes `pass`), messages of log calls
    and of raised exceptions, and those that a variable named `..._HINT` or `hint` keeps for them."""

    def _strip(self, node):
        self.generic_visit(node)
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
        return node

    def visit_Raise(self, node):
        return _Blank().visit(node)

    def visit_Call(self, node):
        function = node.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "logger"
        ):
            return _Blank().visit(node)
        return self.generic_visit(node)

    def visit_Assign(self, node):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if names and all(name.lower().endswith("hint") for name in names):
            return _Blank().visit(node)
        return self.generic_visit(node)

    visit_Module = visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _strip


class _Blank(ast.NodeTransformer):
    """Empties string literals."""

    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node
