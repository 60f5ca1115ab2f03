"""Whatever is wrong with a text is said with its place, and with what would be right."""

from __future__ import annotations

import pytest

from modelport.control.documents import read
from modelport.errors import BadRequest, InvalidInput, TooLarge


def refusal(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "deploymnet: {}",
            "line 1, column 1: unknown key 'deploymnet' in the file; did you mean 'deployment'?",
        ),
        ("deployment:\n  stratgy: canary", "line 2, column 3: 'deployment' needs 'strategy'"),
        (
            "deployment:\n  strategy: cannary",
            "line 2, column 13: 'strategy' is 'cannary': one of direct, canary",
        ),
        ("deployment: {strategy: cannary}", "did you mean 'canary'?"),
        (
            "deployment: {strategy: blue_green, steps: [5]}",
            "line 1, column 36: unknown key 'steps' in strategy blue_green: it takes",
        ),
        (
            "deployment: {strategy: direct, keep_warm: 15}",
            "column 43: 'keep_warm' is 15: it takes a time with its",
        ),
        ("deployment: {strategy: canary, steps: 5}", "'steps' is 5: it takes a list"),
        ("deployment: {strategy: canary, steps: [5, x]}", "item 2 of 'steps' is 'x': it takes a percentage"),
        ("deployment: {strategy: canary, steps: []}", "'steps' has 0 entries: it takes 1 to 50"),
        ("deployment:", "'deployment' is empty: it takes keys and values"),
        ("deployment: {strategy: ab}", "column 13: 'deployment' needs 'traffic_split'"),
        (
            "deployment: {strategy: canary, promotion_criteria: {error_rate: '> 1%'}}",
            "'error_rate' is '> 1%': it takes a percentage such as '< 1%'",
        ),
        (
            "deployment: {strategy: canary, promotion_criteria: {error_rate: 1}}",
            "'error_rate' is 1: it takes a percentage such as '< 1%', or a fraction below 1",
        ),
        (
            "deployment: {strategy: canary, success_criteria: {latency_p95: 200}}",
            "'latency_p95' is 200: it takes a time with its unit, ms or s, such as '200ms'",
        ),
        ("deployment: {strategy: canary, require: provne}", "did you mean 'proven'?"),
        ("model_config: {version: 2.10}", "'version' is 2.10: it takes a version: a number, or in quotes"),
        ("model_config: {parameters: {batch_size: 0}}", "it takes a whole number from 1 to"),
        ("model_config: {parameters: {confidence_threshold: true}}", "a number from 0 to 1"),
        ("model_config: {name: '${ENV:NAME}'}", "'name' takes no secret"),
        ("[1, 2]", "the file is a list: it takes keys and values"),
    ],
)
def test_a_fault_names_its_place_and_what_would_be_right(text: str, said: str) -> None:
    assert said in refusal(text).message


def test_every_fault_is_told_at_once_in_the_order_of_the_text() -> None:
    error = refusal("deployment: {strategy: canary, stepz: [5], keep_warm: x}\nmodels: [{nam: y}]")
    assert [message.split(":")[0] for _, message in error.faults] == [
        "line 1, column 32",
        "line 1, column 55",
        "line 2, column 11",
    ]
    assert [pointer for pointer, _ in error.faults] == [
        "/deployment/stepz",
        "/deployment/keep_warm",
        "/models/0/nam",
    ]
    assert error.status == 422


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deployment: {]", "line 1, column 14"),
        ("deployment:\n\tstrategy: canary", "line 2, column 1"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' is there twice, first at line 1, column 1"),
        ("a: !!python/object:os.system x", "column 4: the type"),
        ("a: !mine {}", "column 4: the type '!mine' is not read"),
        ("a: &x [*x]", "it holds itself"),
        ("? [1]\n: 2", "a key is a word"),
        ("a: .nan", "is no number that any key takes"),
        ("a: 1e999", "too large"),
        ("a: 99999999999999999999", "too large"),
        ("[" * 60 + "]" * 60, "nested more than 32 deep"),
        ("", "there is no document"),
        ("---\n---\n", "there is no document"),
        ("a: \ud800", "no text"),
        ("a: \x00", "column"),
    ],
)
def test_a_text_that_is_no_yaml_of_ours_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match="line") as caught:
        read(text)
    assert said in caught.value.message
    assert caught.value.code == "document-syntax"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n "a": 2}', "line 2, column 2: the key 'a' is there twice, first at line 1, column 2"),
        ('{"a": 1,}', "line 1, column 9: a key in double quotes is expected here"),
        ('{"a" 1}', "column 6: ':' is expected here"),
        ('{"a": [1 2]}', "column 10: ',' is expected here"),
        ('{"a": tru}', "column 7: a value is expected here"),
        ('{"a": NaN}', "column 7: a value is expected here"),
        ('{"a": "x', "unterminated string"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ("{} {}", "column 4: something follows after the end"),
        ("[" * 60, "nested more than 32 deep"),
        ("", "line 1, column 1: a value is expected here"),
    ],
)
def test_a_text_that_is_no_json_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(text, "json")
    assert said in caught.value.message


def test_aliases_of_aliases_do_not_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(BadRequest, match="more than 100000 values"):
        read("\n".join(lines))


def test_a_text_that_is_too_long_is_not_read() -> None:
    with pytest.raises(TooLarge):
        read("#" * (1024 * 1024 + 1))


def test_an_alias_repeats_what_it_stands_for() -> None:
    found = read(
        "deployments:\n"
        "- {strategy: canary, model: a, canary_percentage: 5, promotion_criteria: &all {error_rate: < 1%}}\n"
        "- {strategy: canary, model: b, canary_percentage: 5, promotion_criteria: *all}\n"
    )
    first, second = (each.written() for each in found.deployments)
    assert first["promotion_criteria"] == second["promotion_criteria"] == {"error_rate": "< 1%"}


def test_documents_of_a_stream_are_read_together() -> None:
    found = read("model_config: {name: a}\n---\ndeployment: {strategy: direct}\n---\n# nothing more\n")
    assert (len(found.configs), len(found.deployments)) == (1, 1)


def test_words_mean_what_they_mean_in_yaml_1_2() -> None:
    """`on` is a word, `1:30` no number, and a version in quotes a text."""
    with pytest.raises(InvalidInput, match="'auto_scale' is 'on': it takes true or false"):
        read("model_config: {scaling: {auto_scale: on}}")
    assert read("model_config: {name: on, version: '2'}").configs[0].written() == {
        "name": "on",
        "version": "2",
    }
