"""Exceptions whose text is meant for the person running the pipeline."""

RETRY_EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: the job was interrupted and can be resumed


class PipelineError(Exception):
    """A problem that the user can mend.

    `message` says what was found, where (file, row or key) and what was expected; `hint` says what to do. The text of
    the exception has both.
    """

    def __init__(self, message: str, hint: str | None = None):
        self.message, self.hint = message, hint
        super().__init__(f"{message}\nHint: {hint}" if hint else message)


class ConfigError(PipelineError):
    """The configuration has an unknown key, a wrong type or an impossible value."""


class DataError(PipelineError):
    """An input file is missing, damaged or does not have the documented layout."""


class TrainingError(PipelineError):
    """A training cannot start or continue (checkpoint in use, non-finite loss, ...)."""


class Interrupted(Exception):
    """A signal asked the job to stop; its state is saved and the next attempt resumes from it.

    progress : whether this attempt came any further. If not, the next one would not either.
    """

    def __init__(self, message: str, progress: bool = True):
        self.progress = progress
        super().__init__(message)


def quoted(text: str, limit: int = 60) -> str:
    """Text of an input file for a message: in quotes, unprintable characters escaped, cut after `limit` characters."""
    whole = repr(text[: limit + 1])
    return whole if len(text) <= limit and len(whole) <= limit + 2 else f"{whole[: limit + 1]}...{whole[0]}"
