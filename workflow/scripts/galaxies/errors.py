"""Exceptions whose text is meant for the person running the pipeline."""

RETRY_EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: the job was interrupted and can be resumed


class PipelineError(Exception):
    """A problem that the user can mend.

    The message says what was found, where (file, row or key) and what was expected; `hint` says what to do.
    """

    def __init__(self, message: str, hint: str | None = None):
        self.hint = hint
        super().__init__(f"{message}\nHint: {hint}" if hint else message)


class ConfigError(PipelineError):
    """The configuration has an unknown key, a wrong type or an impossible value."""


class DataError(PipelineError):
    """An input file is missing, damaged or does not have the documented layout."""


class TrainingError(PipelineError):
    """A training cannot start or continue (checkpoint in use, non-finite loss, ...)."""


class Interrupted(Exception):
    """A signal asked the job to stop; its state is saved and the next attempt resumes from it."""
