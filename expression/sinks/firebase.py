"""Firebase: sends the face to a storage bucket when its label has changed and settled.

    export GOOGLE_APPLICATION_CREDENTIALS=~/key.json
    expression live --sink firebase:my-project.firebasestorage.app

It sends nothing unless requested, prints at the start what is sent where, and stops while the run is paused.
A picture is named after its content, so the same one is never stored twice.

Source: https://firebase.google.com/docs/storage/admin/start,
https://cloud.google.com/storage/docs/request-preconditions

Notebook: 10_reactions
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ..deadline import Deadline
from ..errors import DAMAGE, BadInputError, MissingFileError, RunError, user_path
from ..files import MOST_BYTES
from ..labels import NOT_SURE
from ..pictures.image import encode_jpeg
from ..sanitize import say
from ..types import Reading
from ._base import Sink
from ._deadline_requests import deadline_session, keep_time
from ._face_crop import face_of, taken

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

VARIABLE, EMULATOR = "GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"
"""Google's variables for the file with the key, and for a storage that is not Google's, as in tests."""

NO_TELEMETRY = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"
"""Without this, Google's client queries the bucket in a thread that outlives the run, only for telemetry.

Source: google/cloud/storage/_opentelemetry_tracing.py of google-cloud-storage 3.17.
"""

NOISE = r"^\w+\(.*?\): |\[Errno -?\d+\] "
"""Parts of connection errors that do not help a reader."""

TIMEOUT = 3.0
"""Seconds that a login and a picture may take together; stopping a run waits for 5."""

REFUSED = {400, 401, 403, 404}
"""Status codes for which trying again does not help."""

WHERE = "Copy it from the Firebase console: Storage, without gs://."
MAY = "Give its service account the role Storage Object Creator in the Google Cloud console: IAM."
ADVICE = {
    401: ("Expected a key with permission to create objects in it.", MAY),
    403: ("Expected a key with permission to create objects in it.", MAY),
    404: ("Expected the name of an existing bucket.", WHERE),
}
OTHER_ADVICE = "Expected it to be accepted.", "Check the bucket in the Firebase console, or wait."
"""What was expected, and what to do, by the status code from Google's storage."""

NEW_KEY = "Create a new one in the Firebase console: Project settings, Service accounts."


class Firebase(Sink):
    """Sends faces as JPEG, with label, scores, time and person as metadata.

    Args:
        bucket: The name of the storage bucket.
        credentials: The file with the key of a service account; empty for the one named in
            GOOGLE_APPLICATION_CREDENTIALS.
        folder: The folder in the bucket for the pictures.
        settle: Seconds that a label must stay the same before a picture is sent.
        pause: Minimum seconds between two pictures of one person.

    Raises:
        BadInputError: An option is out of range, or no credentials are named.
    """

    only_changes = True
    extra = "firebase"
    option = place = "bucket"
    secrets = (VARIABLE,)
    keeps = "pictures of faces, sent to Google's storage"

    def __init__(
        self,
        bucket: str,
        credentials: str = "",
        folder: str = "faces",
        settle: float = 1.0,
        pause: float = 2.0,
    ):
        name = re.fullmatch(r"[a-z0-9][\w.-]{1,220}[a-z0-9]", bucket)
        if not name:  # it may be a key by mistake, and is not repeated
            raise BadInputError(
                "The option bucket of the sink firebase is not the name of a bucket.",
                "Expected only its name, such as my-project.firebasestorage.app.",
                WHERE,
            )
        _check("folder", folder, re.fullmatch(r"[\w/-]{1,100}", folder), "letters, digits, - and /")
        _check("settle", settle, 0 <= settle <= 3600, "0 to 3600 seconds")
        _check("pause", pause, 0 <= pause <= 86_400, "0 to 86400 seconds")
        self._key = credentials or os.environ.get(VARIABLE, "")
        if not self._key and not os.environ.get(EMULATOR):
            raise BadInputError(
                "The sink firebase was given no credentials.",
                f"Expected {VARIABLE} or credentials= to name the file with a service account's key.",
                "Get one in the Firebase console: Project settings, Service accounts.",
            )
        if "{" in self._key or "PRIVATE KEY" in self._key:
            raise BadInputError(
                f"{VARIABLE} or credentials= contains the key itself.",
                "Expected the name of the file with the key.",
                "Save the key in a file that only you can read, and give that file's name.",
            )
        self._bucket_name, self._folder = bucket, folder.strip("/")
        self.dwell, self.min_interval = settle, pause
        self._app: Any = None
        self._bucket: Any = None
        self._login: Any = None
        self._session: Any = None  # connections for the login
        self._deadline = Deadline(TIMEOUT)
        self._unsent: _Picture | None = None  # may or may not have arrived
        self._told = self._worked = False

    def open(self) -> None:
        """Logs in, and prints what is sent where.

        Raises:
            MissingFileError: The file with the key does not exist.
            BadInputError: The key is damaged, or Google does not accept it.
            RunError: Google cannot be reached; tried again.
        """
        import firebase_admin
        from firebase_admin import storage

        os.environ.setdefault(NO_TELEMETRY, "true")
        self._deadline = Deadline(TIMEOUT)
        if self._session is None:
            self._session = deadline_session(lambda: self._deadline)
        credential = self._credential()
        self._login = getattr(credential, "get_credential", lambda: credential)()
        self._log_in()
        options = {"projectId": getattr(credential, "project_id", None) or "emulator"}
        self._app = firebase_admin.initialize_app(credential, options, name=f"expression-{id(self)}")
        try:
            self._bucket = storage.bucket(self._bucket_name, self._app)
            keep_time(self._bucket.client._http, lambda: self._deadline)
        except BaseException:  # the app would block the next attempt
            self.close()
            raise
        if not self._told:
            where = os.environ.get(EMULATOR) or "Google"
            say(
                f"Pictures of faces are sent to the bucket {self._bucket_name} at {where}, one whenever "
                "a label has changed and settled, with label, scores, time and person."
            )
        self._told = True

    def wants(self, reading: Reading) -> bool:
        """Whether there is a label and the run is not paused."""
        return reading.label != NOT_SURE and not self.control.paused

    def send(self, reading: Reading) -> None:
        """Sends the face; one that may have arrived already is sent again unchanged, so it is stored once.

        Raises:
            BadInputError: Google refuses the first picture because of the bucket or the key's permissions.
            RunError: Google cannot be reached or has a problem.
        """
        of = (reading.person, reading.label)
        if self._unsent is None or self._unsent.of != of:
            self._unsent = self._picture(of, reading)
        self._deadline = Deadline(TIMEOUT)
        self._log_in()
        self._upload(self._unsent)
        self._unsent, self._worked = None, True

    def close(self) -> None:
        """Forgets the login."""
        if self._app is None:
            return
        import firebase_admin

        if self._bucket is not None:
            self._bucket.client.close()
            self._bucket = None
        self._session.close()
        self._session = None
        firebase_admin.delete_app(self._app)
        self._app = None

    def _picture(self, of: tuple[int, str], reading: Reading) -> _Picture:
        """Returns the picture and metadata to send for a reading."""
        jpeg = encode_jpeg(face_of(self.frame, reading), 90)
        label = re.sub(r"[^\w-]+", "_", reading.label)
        name = f"{self._folder}/{label}/{hashlib.sha256(jpeg).hexdigest()[:32]}.jpg"
        scores = {label: round(score, 4) for label, score in reading.scores.items()}
        metadata = {
            "label": reading.label,
            "score": f"{reading.score:.4f}",
            "scores": json.dumps(scores, ensure_ascii=False),
            "time": taken(reading).isoformat(timespec="milliseconds"),
            "person": str(reading.person),
        }
        return _Picture(of, name, jpeg, metadata)

    def _upload(self, picture: _Picture) -> None:
        """Writes an object if it does not exist yet; an existing one stays unchanged."""
        from google.api_core.exceptions import GoogleAPICallError, PreconditionFailed

        blob = self._bucket.blob(picture.name)
        blob.metadata = picture.metadata
        try:
            blob.upload_from_string(
                picture.jpeg, "image/jpeg", if_generation_match=0, timeout=TIMEOUT, retry=None
            )
        except PreconditionFailed:
            return
        except GoogleAPICallError as error:
            kind = BadInputError if error.code in REFUSED and not self._worked else RunError
            raise kind(
                f"The bucket {self._bucket_name} rejected the picture ({error.code}: {_reason(error)}).",
                *ADVICE.get(error.code, OTHER_ADVICE),
            ) from error
        except OSError as error:  # requests' errors are OSErrors
            raise _unreachable(error) from error
        except DAMAGE as error:
            raise _strange(error) from error

    def _credential(self) -> Any:
        """Returns the key as firebase_admin takes it."""
        from firebase_admin import credentials
        from google.auth.credentials import AnonymousCredentials

        if not self._key:
            return AnonymousCredentials()
        path = user_path(self._key)
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(path)
            return credentials.Certificate(str(path))
        except OSError as error:
            raise MissingFileError(
                f"The key {path} cannot be read ({error.strerror}).",
                "Expected the key of a service account, a JSON file.",
                f"Check {VARIABLE} or credentials=.",
            ) from error
        except DAMAGE:
            raise BadInputError(
                f"{path} is not the key of a service account.",
                "Expected the JSON file that the Firebase console creates.",
                NEW_KEY,
            ) from None  # the reason may quote the key

    def _log_in(self) -> None:
        """Gets a new token if the old one has expired, within the deadline."""
        from google.auth.exceptions import RefreshError, TransportError
        from google.auth.transport.requests import Request

        if self._login.valid:
            return
        try:
            self._login.refresh(Request(self._session))
        except RefreshError as error:
            kind = RunError if error.retryable or self._worked else BadInputError
            raise kind(
                f"Google did not accept the key ({_say(error.args[0] if error.args else error)}).",
                "Expected a valid key of a service account, and a system clock that is correct.",
                NEW_KEY,
            ) from None
        except TransportError as error:
            raise _unreachable(error) from error
        except DAMAGE as error:
            raise _strange(error) from None


class _Picture(NamedTuple):
    """What is sent for a reading: its person and label, the name, the bytes and the metadata."""

    of: tuple[int, str]
    name: str
    jpeg: bytes
    metadata: dict[str, str]


def _unreachable(error: BaseException) -> RunError:
    """Returns the error for a server that does not answer, with the root cause."""
    while isinstance(inner := getattr(error, "reason", None) or (error.args or [""])[0], Exception):
        error = inner
    return RunError(
        f"Google's storage cannot be reached ({re.sub(NOISE, '', _say(error))}).",
        f"Expected an answer within {TIMEOUT:g} s.",
        "Check the internet connection.",
    )


def _strange(error: BaseException) -> RunError:
    """Returns the error for an answer that does not have the form of Google's."""
    return RunError(
        f"Google's storage sent an unexpected answer ({type(error).__name__}).",
        "Expected an answer in the form that Google documents.",
        f"Check the internet connection, and {EMULATOR} if it is set.",
    )


def _reason(error: GoogleAPICallError) -> str:
    """Returns Google's reason for a failure, without the surrounding address and JSON."""
    said = re.search(r'"message": *"((?:[^"\\]|\\.)*)"', str(error.message))
    return _say(said[1]) if said else http.client.responses.get(error.code, "no reason")


def _say(error: object) -> str:
    """Returns a reason as one line of at most 200 characters."""
    return " ".join(str(error).split())[:200].rstrip(". ")


def _check(name: str, value: object, fits: object, expected: str, remedy: str = "Choose another.") -> None:
    if not fits:
        raise BadInputError(
            f"The option {name} of the sink firebase is {value!r}.", f"Expected {expected}.", remedy
        )
