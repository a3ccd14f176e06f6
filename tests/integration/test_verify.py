"""`rillet verify` on a real server: what is right is exact, and what is not is found."""

import math
import random
import re
import struct
from pathlib import Path
from typing import Any

import pytest
import redis
import statsmodels.datasets
from click.testing import Result
from typer.testing import CliRunner

from processor.fold import fold
from rillet.cli import app
from rillet.embedded import EmbeddedServer
from rillet.errors import UserError
from rillet.keys import partition_keys
from rillet.settings import Settings
from simulator.replay import Columns
from simulator.run import File, Limits, replay_file

SEA = Path(statsmodels.datasets.__file__).parent / "elnino" / "elnino.csv"


@pytest.fixture(autouse=True)
def _address(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RILLET_REDIS_URL", server.url)


def verify(*words: str) -> Result:
    return CliRunner().invoke(app, ["verify", *words], env={"COLUMNS": "200"})


def send(client: redis.Redis, first: int, n: int) -> None:
    """Add n entries of three sensors: numbered ones with repeats, plain ones, batches, bad ones."""
    rnd = random.Random(first)
    pipe = client.pipeline(transaction=False)
    for i in range(first, first + n):
        value = repr(1e7 + rnd.gauss(0, 1))
        numbered = {"sensor": "numbered", "value": value, "seq": i, "ts": i, "kind": "soil"}
        pipe.xadd("readings", numbered)
        if i % 7 == 0:
            pipe.xadd("readings", numbered)
        pipe.xadd("readings", {"sensor": "plain", "value": value})
        packed = struct.pack("<3d", *(rnd.random() for _ in range(3)))
        pipe.xadd("readings", {"sensor": "batched", "packed": packed})
        pipe.xadd("readings", {"sensor": "plain", "value": "nan"})
    pipe.execute()


def fold_all(client: redis.Redis, settings: Settings, count: int = 60) -> None:
    while fold(client, settings, partition_keys(settings)[0], count).backlog:
        pass


def nudged(client: redis.Redis, key: str, field: str) -> None:
    """Change a number by its last bit, or a text by a letter."""
    old: Any = client.hget(key, field)
    try:
        number = float(old)
        new = str(int(old) + 1) if old.isdigit() else repr(math.nextafter(number, math.inf))
    except ValueError:
        new = old.decode() + "x"
    client.hset(key, field, new)


def test_statistics_of_readings_that_are_all_there_are_exact(
    client: redis.Redis, settings: Settings
) -> None:
    """With every reading kept, every field of every hash is recomputed and agrees."""
    send(client, 1, 100)
    fold_all(client, settings)
    done = verify()
    assert done.exit_code == 0, done.output
    assert "Every field is exact; as near as doubles are: ewm_mean, ewm_stddev." in done.output
    assert done.output.count("every reading") == 3


FIELDS = ("count", "mean", "variance", "stddev", "stddev_sample", "min", "max", "sum", "last")
OWN = ("first_ts", "last_ts", "last_id", "duplicates", "gaps", "rejected", "restarts", "kind")
MORE = ("late", "ewm_mean", "ewm_stddev")


@pytest.mark.parametrize("field", [*FIELDS, *OWN, "late"])
def test_a_field_that_is_off_by_its_last_digit_is_found(
    client: redis.Redis, settings: Settings, field: str
) -> None:
    """Whichever field is changed, in its last bit, verify names it and fails."""
    send(client, 1, 20)
    fold_all(client, settings)
    nudged(client, "stats:numbered", field)
    done = verify("numbered")
    assert done.exit_code == 1
    (row,) = [line for line in done.output.splitlines() if line.startswith(f"│ {field} ")]
    assert "exact" not in row
    assert sum("exact │" in line for line in done.output.splitlines()) >= 17


@pytest.mark.parametrize("field", ["ewm_mean", "ewm_stddev", "unit"])
def test_a_field_that_is_wrong_or_must_not_be_there_is_found(
    client: redis.Redis, settings: Settings, field: str
) -> None:
    """A weighted figure farther off than doubles are, and a label that nobody sent, are named."""
    send(client, 1, 20)
    fold_all(client, settings)
    old: Any = client.hget("stats:numbered", field)
    client.hset("stats:numbered", field, repr(float(old) + 1e-3) if old else "bogus")
    done = verify("numbered")
    assert done.exit_code == 1
    assert any(line.startswith(f"│ {field} ") for line in done.output.splitlines())


def test_what_was_not_compared_is_named(client: redis.Redis, settings: Settings) -> None:
    """A field that the readings do not determine is listed, and not called exact."""
    send(client, 1, 20)
    fold_all(client, settings)
    client.hset("stats:numbered", "score", "7")
    done = verify()
    assert done.exit_code == 0
    assert "Every field compared is exact" in done.output
    assert "Not compared: score." in done.output


def test_sensors_that_were_forgotten_are_held_against_what_they_have_had_since(
    client: redis.Redis, settings: Settings
) -> None:
    """A sensor that was forgotten has another beginning than the stream; that is no error."""
    send(client, 1, 20)
    fold_all(client, settings)
    assert CliRunner().invoke(app, ["forget", "plain"]).exit_code == 0
    client.xadd("readings", {"sensor": "plain", "value": "2"})
    fold_all(client, settings)
    done = verify()
    assert done.exit_code == 0, done.output
    assert done.output.count("every reading") == 2
    nudged(client, "stats:plain", "sum")
    assert verify("plain").exit_code == 1


def test_a_stream_that_was_made_anew_is_not_taken_for_every_reading(
    client: redis.Redis, settings: Settings
) -> None:
    """Once `readings` was deleted, statistics know more than is there; also before a fold."""
    send(client, 1, 20)
    fold_all(client, settings)
    client.delete("readings")
    send(client, 21, 3)
    assert verify().exit_code == 0
    fold_all(client, settings)
    done = verify()
    assert done.exit_code == 0, done.output
    assert "every reading" not in done.output
    nudged(client, "stats:plain", "sum")
    assert verify("plain").exit_code == 1
    client.delete("results")
    nudged(client, "stats:batched", "rejected")
    assert verify("numbered").exit_code == 0
    assert verify("batched").exit_code == 1


@pytest.fixture
def trimmed(client: redis.Redis, settings: Settings) -> redis.Redis:
    """Leave a tail of what was sent, and results from before it."""
    settings = settings.model_copy(update={"readings_tail": 700})
    for first in range(0, 1000, 50):
        send(client, first + 1, 50)
        fold_all(client, settings)
    info: Any = client.xinfo_stream("readings")
    assert info["length"] < info["entries-added"]
    return client


@pytest.mark.usefixtures("trimmed")
def test_a_kept_tail_accounts_for_what_changed_since() -> None:
    """State less the tail is, to the bit, what results said before it."""
    done = verify()
    assert done.exit_code == 0, done.output
    assert done.output.count("the newest") == 3
    assert "Every field is exact." in done.output
    one = verify("plain").output
    assert "mean before" in one
    assert "stddev_sample before" in one


@pytest.mark.usefixtures("trimmed")
@pytest.mark.parametrize("field", [*FIELDS, *OWN, *MORE])
def test_a_field_that_is_not_what_state_says_is_found(trimmed: redis.Redis, field: str) -> None:
    """Also where readings have gone each field of the hash is compared, to its last bit."""
    nudged(trimmed, "stats:numbered", field)
    assert verify("numbered").exit_code == 1
    trimmed.hdel("stats:numbered", field)
    done = verify("numbered")
    assert done.exit_code == 1
    assert any(line.startswith(f"│ {field} ") for line in done.output.splitlines())


def test_repeats_of_numbers_that_were_trimmed_away_are_no_error(
    client: redis.Redis, settings: Settings
) -> None:
    """Which readings of a tail were repeats is told only once all that counts is known.

    Of q a tail keeps many of one number, and one late repeat; old readings of timed come again.
    """
    settings = settings.model_copy(update={"readings_tail": 1000})

    def put(sensor: str, numbers: list[int], *, timed: bool = False) -> None:
        for seq in numbers:
            more = {"ts": str(1_700_000_000_000 + 1000 * seq)} if timed else {}
            entry = {"sensor": sensor, "value": repr(seq * 1.5 + 0.1), "seq": str(seq), **more}
            client.xadd("readings", entry)  # type: ignore[arg-type]
        fold_all(client, settings)

    put("q", [*range(2001)])
    put("timed", [*range(1001)], timed=True)
    put("filler", [*range(2000)])
    put("q", [2000] * 60)
    for seq in (2010, 1990):
        put("q", [seq])
    for first in range(1001, 1301, 20):
        put("timed", [*range(first, first + 20)], timed=True)
    put("timed", [900], timed=True)
    done = verify()
    assert done.exit_code == 0, done.output
    assert re.search(r"timed +│ the newest [1-9]", done.output)


@pytest.mark.parametrize("seed", range(4))
def test_a_tail_of_any_numbers_is_no_error(
    client: redis.Redis, settings: Settings, seed: int
) -> None:
    """Gaps, repeats, late ones and restarts, with and without `ts`, wherever the tail begins."""
    settings = settings.model_copy(update={"readings_tail": 900})
    rnd, highest = random.Random(seed), [0] * 4
    reckoned = 0
    for _ in range(60):
        for _ in range(60):
            s = rnd.randrange(4)
            chance = rnd.random()
            seq = highest[s] + 1 + (rnd.random() < 0.1)
            if chance > 0.8:
                seq = max(0, highest[s] - rnd.randint(0, 54 if s < 2 else 400))
            highest[s] = max(highest[s], seq)
            entry = {"sensor": f"d{s}", "value": repr(seq * 1.37), "seq": str(seq)}
            if s % 2:
                entry["ts"] = str(1_700_000_000_000 + 1000 * seq)
            client.xadd("readings", entry)  # type: ignore[arg-type]
        fold_all(client, settings)
        done = verify()
        assert done.exit_code == 0, done.output
        reckoned += done.output.count("the newest")
    assert reckoned > 30


@pytest.mark.parametrize("wrong", ["hash", "state", "results", "tail"])
def test_a_tail_that_does_not_account_for_it_is_found(trimmed: redis.Redis, wrong: str) -> None:
    """A hash, a record, a result or a kept reading that was changed makes verify fail."""
    if wrong == "hash":
        nudged(trimmed, "stats:plain", "sum")
    elif wrong == "state":
        record: Any = trimmed.hget("state", "plain")
        other: Any = trimmed.hget("state", "batched")
        trimmed.hset("state", "plain", record[: -len(other)] + other)
    elif wrong == "results":
        for entry_id, fields in trimmed.xrange("results"):
            trimmed.xdel("results", entry_id)
            nudge = {**fields, b"mean": b"1"}
            trimmed.xadd("results", nudge)  # type: ignore[arg-type]
    else:
        plain = [
            entry_id
            for entry_id, fields in trimmed.xrevrange("readings", count=9)
            if fields[b"sensor"] == b"plain" and fields[b"value"] != b"nan"
        ]
        trimmed.xdel("readings", plain[0])
    done = verify("plain")
    assert done.exit_code == 1, done.output


def test_a_file_that_was_replayed_is_the_reference(client: redis.Redis, settings: Settings) -> None:
    """The statistics of a replayed CSV agree with the file, also once nothing of it is kept."""
    settings = settings.model_copy(update={"readings_tail": 0})
    file = File(SEA, Columns("YEAR"), with_seq=False, encoding="utf-8-sig")
    replay_file(settings, file, None, None, Limits())
    fold_all(client, settings)
    options = ("--source", str(SEA), "--time-column", "YEAR")
    done = verify(*options)
    assert done.exit_code == 0, done.output
    assert done.output.count("the file") == 12
    nudged(client, "stats:JAN", "stddev")
    done = verify(*options)
    assert done.exit_code == 1
    assert "1 of 12 sensors disagree." in done.output


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("SET", "results", "x"), "cannot be read: WRONGTYPE"),
        (("SET", "readings", "x"), "cannot be read: WRONGTYPE"),
        (("SET", "stats:plain", "x"), "cannot be read: WRONGTYPE"),
        (("HSET", "state", b"a\xff", "x"), "no sensor's"),
        (("HSET", "state", "junk", "zzz"), "record of 'junk' in `state` is damaged"),
        (("HSET", "state", "junk", b"m\1\0z"), "record of 'junk' in `state` is damaged"),
        (("HSET", "state", "\0cursor", "junk"), "cursor' of `state` is damaged"),
    ],
)
def test_what_no_fold_has_written_is_one_clear_line(
    trimmed: redis.Redis, command: tuple[Any, ...], said: str
) -> None:
    """Keys of another type, fields and records that are none: an error that names them."""
    if command[0] == "SET":
        trimmed.delete(command[1])
    trimmed.execute_command(*command)
    done = verify()
    assert isinstance(done.exception, UserError)
    assert said in str(done.exception)


def test_what_cannot_be_told_is_one_clear_line(client: redis.Redis, settings: Settings) -> None:
    """An empty server, an unknown sensor, columns without a file: an error that says so."""
    assert "nothing to verify" in str(verify().exception)
    send(client, 1, 1)
    fold_all(client, settings)
    assert "no sensor 'none'" in str(verify("none").exception)
    assert "need --source" in str(verify("--time-column", "t").exception)
