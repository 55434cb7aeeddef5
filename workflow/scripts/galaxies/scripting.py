"""One `main` per script, called by Snakemake or from the shell.

`run_script(main, globals().get("snakemake"))` fills the parameters of `main` from the job's named inputs, outputs and
params (and `threads`), or from command-line options that are built from the same signature.
"""

import argparse
import contextlib
import inspect
import json
import logging
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType

from galaxies.errors import RETRY_EXIT_CODE, Interrupted, PipelineError
from galaxies.slurm import requeue_this_job

logger = logging.getLogger("galaxies")


def run_script(main: Callable[..., None], snakemake=None) -> None:
    """Call `main` with the arguments of a Snakemake job, or of the command line when `snakemake` is None.

    A `PipelineError` ends the process with its message alone and exit code 1, an `Interrupted` with the code that
    asks for another attempt; any other exception is a defect and keeps its traceback.
    """
    arguments = _from_snakemake(main, snakemake) if snakemake else _from_command_line(main)
    log_file = snakemake.log[0] if snakemake and snakemake.log else None
    with _logging(log_file):
        try:
            main(**arguments)
        except PipelineError as error:
            logger.error("Error: %s", error)
            sys.exit(1)
        except Interrupted as interruption:
            logger.warning("%s", interruption)
            if interruption.progress:
                requeue_this_job()
            sys.exit(RETRY_EXIT_CODE)
        except KeyboardInterrupt:
            logger.warning("Interrupted; nothing half-written was kept.")
            sys.exit(130)  # 128 + SIGINT, as shells count
        except OSError as error:
            logger.error("Error: %s", os_error_text(error))
            logger.debug("where it happened", exc_info=True)
            sys.exit(1)
        except Exception:
            logger.exception("The script failed; this is a defect of the pipeline.")
            sys.exit(1)


def os_error_text(error: OSError) -> str:
    """One line for an operating-system error such as a full disk or a missing permission."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error or type(error).__name__}"


@contextlib.contextmanager
def _logging(log_file: str | None) -> Iterator[None]:
    """Send records to standard error and, if given, to the job's log file."""
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [terminal]
    if log_file:
        Path(log_file).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log_file, mode="a", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def _parameters(main: Callable) -> dict[str, tuple[inspect.Parameter, typing.Any, bool]]:
    """Name -> (parameter, base type, is a list) of each parameter of `main`."""
    hints = typing.get_type_hints(main)
    result = {}
    for name, parameter in inspect.signature(main).parameters.items():
        hint = hints[name]
        if typing.get_origin(hint) in (typing.Union, UnionType):
            hint = next(option for option in typing.get_args(hint) if option is not type(None))
        many = typing.get_origin(hint) is list
        base = typing.get_args(hint)[0] if many else hint
        result[name] = (parameter, typing.get_origin(base) or base, many)
    return result


def _from_snakemake(main: Callable, snakemake) -> dict[str, typing.Any]:
    values = {"threads": snakemake.threads}
    for named in (snakemake.input, snakemake.output, snakemake.params):
        values.update(named.items())
    arguments = {}
    for name, (parameter, kind, many) in _parameters(main).items():
        if name not in values:
            if parameter.default is parameter.empty:
                raise TypeError(f"the rule gives no value for parameter {name!r} of {main.__module__}.main")
            continue
        value = values[name]
        if kind is Path and not many and isinstance(value, list):  # an input function that named no file
            continue
        if kind is Path:
            value = [Path(v) for v in ([value] if isinstance(value, str) else value)] if many else Path(value)
        arguments[name] = value
    return arguments


def _from_command_line(main: Callable) -> dict[str, typing.Any]:
    parser = argparse.ArgumentParser(
        description="\n\n".join(filter(None, (inspect.getdoc(sys.modules["__main__"]), inspect.getdoc(main)))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, (parameter, kind, many) in _parameters(main).items():
        required = parameter.default is parameter.empty
        option = {"required": required, "default": None if required else parameter.default}
        if kind is bool:
            option["action"] = argparse.BooleanOptionalAction
        else:
            option["type"] = _json_argument if kind in (dict, list) else kind
            option["metavar"] = {dict: "JSON", list: "JSON"}.get(kind, kind.__name__.upper())
        if many:
            option["nargs"] = "+"
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, **option)
    arguments = vars(parser.parse_args())
    for name, (_, kind, many) in _parameters(main).items():
        if many and kind is dict:  # one JSON list, or each mapping by itself
            arguments[name] = [m for given in arguments[name] for m in (given if isinstance(given, list) else [given])]
    return arguments


def _json_argument(text: str) -> typing.Any:
    """JSON text, or `@file` naming a JSON file."""
    try:
        return json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except (OSError, json.JSONDecodeError) as error:
        raise argparse.ArgumentTypeError(f"not JSON, nor @file with JSON: {error}") from error
