"""The judge is judged: each kind of damage, planted, is found and named, and what is sound is left alone."""

import json

import pytest

from lab.judge import ERRORS, EXPECT, Judge, json_coordinates
from lab.reader import Record

TOPIC = "logins"


def sound(count=40, partitions=2):
    """Inputs with every third one rejected and every seventh dropped, and their outcomes."""
    inputs, outputs, letters = [], [], []
    for i in range(count):
        partition, offset = i % partitions, i // partitions
        verdict = "REJECT not_json" if i % 3 == 0 else "DROP" if i % 7 == 0 else "PASS"
        headers = (("trace", b"\x00\xff"), (EXPECT, verdict.encode()))
        source = Record(partition, offset, 1000 + i, b"k%d" % i if i % 2 else None, b"v%d" % i, headers)
        inputs.append(source)
        if verdict == "PASS":
            value = json.dumps({"source_partition": partition, "source_offset": offset}).encode()
            outputs.append(source._replace(offset=len(outputs), value=value))
        elif verdict != "DROP":
            letters.append(letter_of(source, len(letters)))
    return inputs, outputs, letters


def letter_of(source, offset, code=b"not_json"):
    texts = {"code": code, "message": b"m", "stage": b"decode", "topic": TOPIC.encode(), "pipeline": b"p"}
    numbers = {"partition": source.partition, "offset": source.offset, "timestamp": source.timestamp, "first.failed": 1}
    why = {**texts, **{name: str(value).encode() for name, value in numbers.items()}, "version": b"0"}
    headers = source.headers + tuple((ERRORS + name, value) for name, value in why.items())
    return source._replace(offset=offset, headers=headers)


def judge(inputs, outputs, letters, **options):
    return Judge(TOPIC, json_coordinates, **options).judge(inputs, outputs, letters)


def test_sound_topics_are_clean():
    report = judge(*sound())
    report.assert_clean()
    assert (report.inputs, report.passed, report.rejected["not_json"], report.dropped) == (40, 22, 14, 4)
    assert report.inputs == report.passed + sum(report.rejected.values()) + report.dropped


def lose(inputs, outputs, letters):
    del outputs[5]


def lose_a_letter(inputs, outputs, letters):
    del letters[-1]


def double(inputs, outputs, letters):
    outputs.append(outputs[3]._replace(offset=len(outputs)))


def double_across(inputs, outputs, letters):
    source = next(r for r in inputs if r.header(EXPECT) == b"PASS")
    letters.append(letter_of(source, len(letters)))


def reorder(inputs, outputs, letters):
    same = [i for i, record in enumerate(outputs) if record.partition == 0]
    first, second = outputs[same[0]], outputs[same[1]]
    outputs[same[0]], outputs[same[1]] = second._replace(offset=first.offset), first._replace(offset=second.offset)


def stray(inputs, outputs, letters):
    value = json.dumps({"source_partition": 0, "source_offset": 999}).encode()
    outputs.append(outputs[-1]._replace(offset=len(outputs), value=value))


def move(inputs, outputs, letters):
    outputs[-1] = outputs[-1]._replace(partition=1 - outputs[-1].partition, offset=999)


def misjudge(inputs, outputs, letters):
    source = next(r for r in inputs if r.header(EXPECT) == b"REJECT not_json")
    letters[0] = letter_of(source, 0, code=b"bad_magic")


def drop_what_should_pass(inputs, outputs, letters):
    inputs[0] = inputs[0]._replace(headers=((EXPECT, b"DROP"),))


def change_a_letters_value(inputs, outputs, letters):
    letters[2] = letters[2]._replace(value=letters[2].value + b" ")


def change_a_letters_header(inputs, outputs, letters):
    letters[2] = letters[2]._replace(headers=(("trace", b"\x00"),) + letters[2].headers[1:])


def repeat_a_header(inputs, outputs, letters):
    letters[2] = letters[2]._replace(headers=letters[2].headers + ((ERRORS + "code", b"not_json"),))


def forget_a_header(inputs, outputs, letters):
    letters[2] = letters[2]._replace(headers=tuple(h for h in letters[2].headers if h[0] != ERRORS + "stage"))


def null_key_to_empty(inputs, outputs, letters):
    i = next(i for i, record in enumerate(outputs) if record.key is None)
    outputs[i] = outputs[i]._replace(key=b"")


def change_a_timestamp(inputs, outputs, letters):
    outputs[1] = outputs[1]._replace(timestamp=1)


def garble(inputs, outputs, letters):
    outputs[1] = outputs[1]._replace(value=b"{")


@pytest.mark.parametrize(
    "damage, kind",
    [
        (lose, "lost"),
        (lose_a_letter, "lost"),
        (double, "duplicated"),
        (double_across, "duplicated"),
        (reorder, "out of order"),
        (stray, "stray"),
        (move, "moved"),
        (misjudge, "wrong verdict"),
        (drop_what_should_pass, "wrong verdict"),
        (change_a_letters_value, "altered"),
        (change_a_letters_header, "altered"),
        (repeat_a_header, "altered"),
        (forget_a_header, "altered"),
        (null_key_to_empty, "altered"),
        (change_a_timestamp, "altered"),
        (garble, "unreadable"),
    ],
)
def test_planted_damage_is_found(damage, kind):
    topics = sound()
    damage(*topics)
    report = judge(*topics)
    assert report.damage[kind] == 1, str(report)
    assert report.examples[kind]


def test_what_is_not_committed_is_not_due_but_must_not_be_visible_either():
    inputs, outputs, letters = sound()
    cut = {0: 10, 1: 10}
    early = [r for r in outputs if json_coordinates(r)[1] < 10]
    report = judge(inputs, early, [r for r in letters if int(r.header(ERRORS + "offset")) < 10], until=cut)
    report.assert_clean()
    assert report.inputs == 20
    assert judge(inputs, outputs, letters, until=cut).damage["uncommitted"] > 0


def test_content_is_compared():
    report = Judge(TOPIC, json_coordinates, content=lambda source, output: "off by one").judge(*sound())
    assert report.damage == {"wrong content": 22}
    assert len(report.examples["wrong content"]) == 20  # Bounded; every one is counted.


def test_replays_are_judged():
    inputs, outputs, letters = sound()
    places = {(r.partition, int(r.header(ERRORS + "offset"))) for r in letters}
    by_place = {(r.partition, r.offset): r for r in inputs}

    def replay(place, number):
        value = json.dumps({"source_partition": place[0], "source_offset": place[1]}).encode()
        return by_place[place]._replace(offset=1000 + number, value=value)

    again = [replay(place, number) for number, place in enumerate(sorted(places, reverse=True))]
    report = judge(inputs, [*outputs, *again], letters, replayed=places)
    report.assert_clean()
    assert (report.passed, report.replayed) == (22, 14)
    twice = [*again, again[0]._replace(offset=2000)]
    assert judge(inputs, [*outputs, *twice], letters, replayed=places).damage == {"duplicated": 1}
    assert judge(inputs, [*outputs, *again[1:]], letters, replayed=places).damage == {"lost": 1}
    assert judge(inputs, [*outputs, *again], letters, replayed=places - {min(places)}).damage["duplicated"] == 1
    other = [again[0]._replace(key=b"other"), *again[1:]]
    assert judge(inputs, [*outputs, *other], letters, replayed=places).damage == {"altered": 1}
    without = [r for r in letters if (r.partition, int(r.header(ERRORS + "offset"))) != min(places)]
    assert judge(inputs, [*outputs, *again], without, replayed=places).damage == {"stray": 1, "lost": 1}
