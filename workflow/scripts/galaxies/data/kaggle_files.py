"""Files of Kaggle competitions, which need a token and, for each competition, accepted rules.

Kaggle's client `kagglehub` finds the token and asks for the address of a file; the file itself comes by
`galaxies.data.download`, so that it is resumed, retried and checked like any other. (The client's own download
continues a partial file whether or not the file on the server has changed, and gives up at the first lost connection.)
"""

import functools
from pathlib import Path

import requests

from galaxies.data.download import Patience, download
from galaxies.data.file_checks import Check
from galaxies.errors import DataError

SITE = "https://www.kaggle.com"
SETTINGS = f"{SITE}/settings"
LISTED = 200  # largest page of a list of files, according to the help of Kaggle's command-line client
_PLACES = (
    "KAGGLE_API_TOKEN (the token, or a file that holds it), ~/.kaggle/access_token, KAGGLE_USERNAME with KAGGLE_KEY, "
    "and kaggle.json in ~/.kaggle or in KAGGLE_CONFIG_DIR"
)


def download_competition_file(
    competition: str,
    file_name: str | None,
    path: Path,
    *,
    check: Check,
    alternative: str | None = None,
    patience: Patience | None = None,
) -> Path:
    """Download a file of a Kaggle competition, or all its files as one zip archive, to `path`; returns `path`.

    competition : as in its address, such as `galaxy-zoo-the-galaxy-challenge`. file_name : as its data page lists it;
    None for the archive of all files. check, alternative, patience : see `galaxies.data.download.download`.

    No token is needed for a file that is there already. Raises DataError, each with the page to visit, if there is no
    token or Kaggle rejects it, if the rules are not accepted, if the competition is unknown or not open to this
    account, or if it has no such file; and for what `download` raises it.
    """
    patience = patience or Patience()
    return download(
        lambda: _address(competition, file_name, patience.silence),
        path,
        check=check,
        source=f"Kaggle competition {competition}, {file_name or 'all files'}",
        alternative=alternative,
        patience=patience,
    )


def _address(competition: str, file_name: str | None, silence: float) -> str:
    """A fresh signed address; it is valid for a limited time. silence : seconds until Kaggle must have answered."""
    # Imported here, because only this needs it and it sets up logging of its own.
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.competitions.types.competition_api_service import (
        ApiDownloadDataFileRequest,
        ApiDownloadDataFilesRequest,
    )

    _require_token()
    with build_kaggle_client() as client:
        # The client sets no limit and has no setting for one: a server that falls silent would hold it for ever.
        session = client.http_client()._session
        session.send = functools.partial(session.send, timeout=silence)
        service = client.competitions.competition_api_client
        try:
            if file_name is None:
                request = ApiDownloadDataFilesRequest()
                request.competition_name = competition
                return service.download_data_files(request).url
            request = ApiDownloadDataFileRequest()
            request.competition_name, request.file_name = competition, file_name
            return service.download_data_file(request).url
        except requests.HTTPError as error:
            _explain(error, competition, file_name, service)
            raise


def _require_token() -> None:
    from kagglehub.config import get_kaggle_credentials

    create = f"create one at {SETTINGS} and save it as ~/.kaggle/access_token"
    try:
        found = get_kaggle_credentials()
    except ValueError as error:  # a kaggle.json that is not JSON, or lacks a key
        raise DataError(f"the Kaggle token cannot be read: {error}", create) from error
    if not found:
        raise DataError(f"no Kaggle token found; looked at {_PLACES}", create)


def _explain(error: requests.HTTPError, competition: str, file_name: str | None, service) -> None:
    """Raise DataError if Kaggle refuses; return if it may answer otherwise next time."""
    status, said = _answer(error)
    page = f"{SITE}/c/{competition}"
    if status == 401:
        raise DataError(
            f"Kaggle rejects the token (HTTP status 401); it was found at one of {_PLACES}",
            f"it has expired or is mistyped: create a new one at {SETTINGS}",
        ) from error
    if status == 403 and "rules" in said:
        raise DataError(
            f"Kaggle competition {competition}: its rules are not accepted yet ({said!r})",
            f"sign in with the account of the token and accept them at {page}/rules; "
            "a competition that has ended may offer that as `Late Submission`",
        ) from error
    if status == 404 and file_name is not None:
        _require_listed(error, competition, file_name, service)
    if status in (403, 404):
        raise DataError(
            f"Kaggle competition {competition} is not open to the account of the token, or does not exist "
            f"(HTTP status {status}{f', {said!r}' if said else ''})",
            f"look at {page} with that account: a course competition may need an invitation of its host; "
            "others need `Join Competition` once",
        ) from error


def _require_listed(error: requests.HTTPError, competition: str, file_name: str, service) -> None:
    """Raise DataError if the competition can be listed and has no such file."""
    from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

    request = ApiListDataFilesRequest()
    request.competition_name, request.page_size = competition, LISTED
    try:
        answer = service.list_data_files(request)
    except requests.RequestException:
        return
    names = [file.name for file in answer.files]
    if file_name not in names and not answer.next_page_token:
        raise DataError(
            f"Kaggle competition {competition} has no file {file_name}; it has: {', '.join(names) or 'none'}",
            f"compare with {SITE}/c/{competition}/data",
        ) from error


def _answer(error: requests.HTTPError) -> tuple[int, str]:
    """Status and text of a refusal, from its JSON if it has one: {code, message}, bare or under `error`."""
    status = error.response.status_code
    try:
        body = error.response.json()
        body = body.get("error", body)
        return int(body.get("code", status)), str(body.get("message", ""))
    except (ValueError, TypeError, AttributeError):
        return status, ""
