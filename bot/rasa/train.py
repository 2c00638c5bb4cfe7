"""Train the model, unless this very dialogue was trained before: `models/<content hash>.tar.gz`.

`python train.py` prints progress and ends with the model's path. A second call only reads the
files to hash them; it does not load Rasa.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE / "models"
#: What a model is made from. The actions are not: they run beside it.
INGREDIENTS = ("config.yml", "domain", "data", "components", "uv.lock")


def say(line: str) -> None:
    """Print one line of progress at once, also when the output is a pipe."""
    print(line, flush=True)  # noqa: T201


def content_hash() -> str:
    """20 hex digits that change whenever a file changes that the model is made from."""
    digest = hashlib.sha256()
    for path in _ingredients():
        content = path.read_bytes()
        # Name and length first, so that moving a line from one file to the next is a change.
        digest.update(f"{path.relative_to(HERE).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:20]


def model_path() -> Path:
    """Where the model of the files as they stand is, or will be."""
    return MODELS / f"{content_hash()}.tar.gz"


def ensure_model(progress: Callable[[str], None] = say) -> Path:
    """The path of the model, trained now if need be. Raises what Rasa raises when the data is wrong."""
    path = model_path()
    if not path.exists():
        progress("Training the language model (about half a minute)...")
        started = time.monotonic()
        _train(path)
        progress(f"Trained in {time.monotonic() - started:.0f} s.")
    _remove_others(path)
    return path


def _ingredients() -> Iterator[Path]:
    for name in INGREDIENTS:
        path = HERE / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in files if file.is_file() and "__pycache__" not in file.parts)


def _train(target: Path) -> None:
    # Set before Rasa is imported: it reads them then. Its own cache would only double ours.
    os.environ.update(RASA_TELEMETRY_ENABLED="false", RASA_MAX_CACHE_SIZE="0", TF_CPP_MIN_LOG_LEVEL="3")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    import rasa

    MODELS.mkdir(exist_ok=True)
    chatter = io.StringIO()
    # Beside the target, so that the last step is a rename: a half-written model is never found.
    with tempfile.TemporaryDirectory(dir=MODELS, prefix=".training-") as folder:
        try:
            with contextlib.redirect_stdout(chatter), contextlib.redirect_stderr(chatter):
                # Seeds are set in config.yml, component by component.
                result = rasa.train(
                    domain=str(HERE / "domain"),
                    config=str(HERE / "config.yml"),
                    training_files=str(HERE / "data"),
                    output=folder,
                    force_training=True,
                    fixed_model_name="model",
                )
            if result.model is None:
                raise RuntimeError("Rasa trained no model")
        except BaseException:
            # Training data is ours and nobody's words, so all of it may be shown.
            sys.stderr.write(chatter.getvalue() + traceback.format_exc())
            raise
        Path(result.model).replace(target)


def _remove_others(keep: Path) -> None:
    for path in MODELS.iterdir() if MODELS.is_dir() else ():
        if path.suffixes == [".tar", ".gz"] and path != keep:
            path.unlink(missing_ok=True)
        elif path.name.startswith(".training-") and time.time() - path.stat().st_mtime > 3600:  # noqa: PLR2004
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    import quiet_logs

    # Here and not in `_train`: the bot, which may train as well, has its own logging by then.
    quiet_logs.set_up()
    say(f"The language model is {ensure_model()}")
