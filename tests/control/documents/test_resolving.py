"""Which model and which version a document is about, and what it comes to (CONTRACTS 2 to 4)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.control.documents.registered import CHURN, Registered

from modelport.control.documents import Abilities, Asked, read, resolve
from modelport.core.deployment import Arm, Criteria, DeploymentSpec, ModelConfig, Overrides, Terms
from modelport.core.plan import Scaling
from modelport.errors import InvalidInput


def wanted(text: str, binding: Registered = CHURN, **said: Any) -> DeploymentSpec:
    found = resolve(read(text), binding, **said)[-1].resolved
    assert isinstance(found, DeploymentSpec)
    return found


def config(text: str) -> ModelConfig:
    found = resolve(read(text), CHURN)[0].resolved
    assert isinstance(found, ModelConfig)
    return found


def refusal(text: str, binding: Registered = CHURN, **said: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        resolve(read(text), binding, **said)
    return caught.value


DIRECT = "deployment: {strategy: direct%s}"


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("2", 2),
        ("v2", 2),
        ("model_v2", 2),
        ("'churn:2'", 2),
        ("'2'", 2),
        ("2.1.0", 2),
        ("1.0.0", 1),
        ("3", 3),
    ],
)
def test_a_version_has_many_names(word: str, number: int) -> None:
    assert wanted(DIRECT % f", model: churn, version: {word}").candidate == number


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (", model: churn, version: champion", {}),
        (", model: churn, version: '@champion'", {}),
        (", model: churn@champion", {}),
        ("", {"model": "churn@champion"}),
        ("", {"model": "churn", "version": "champion"}),
        (", model: churn, version: 1", {"version": "churn@champion"}),
    ],
)
def test_a_deployment_that_names_an_alias_follows_it(rest: str, said: dict[str, Any]) -> None:
    spec = wanted(DIRECT % rest, **said)
    assert (spec.candidate, spec.follows) == (2, "champion")


def test_what_is_said_beside_the_document_goes_before_it() -> None:
    spec = wanted(DIRECT % ", model: spam, version: 1", model="churn", version="3")
    assert (spec.endpoint, spec.candidate) == ("churn", 3)


def test_the_model_config_of_the_same_file_names_model_and_version() -> None:
    text = "model_config: {name: churn, version: 2.1.0}\ndeployment: {strategy: canary, canary_percentage: 5}"
    spec = wanted(text)
    assert (spec.endpoint, spec.candidate) == ("churn", 2)


def test_the_newest_version_is_brought_when_nobody_says_which() -> None:
    assert wanted(DIRECT % ", model: churn").candidate == 3


def test_a_document_applied_again_after_its_promotion_asks_for_nothing_else() -> None:
    """The newest one is live then: an older one is no newer."""
    live = msgspec.structs.replace(CHURN, answering={"churn": 3})
    assert wanted(DIRECT % ", model: churn", live) == wanted(DIRECT % ", model: churn")


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            "",
            "which model is it about? Say 'model' here, or --model; there is churn, document-classifier-v2",
        ),
        (", model: chrun", "line 1, column 32: there is no model 'chrun': there is churn"),
        (", model: chrun", "did you mean 'churn'?"),
        (", model: churn, version: 7", "model 'churn' has no version 7: it has 3, 2 (2.1.0), 1 (1.0.0)"),
        (", model: churn, version: champoin", "its aliases are champion; did you mean 'champion'?"),
        (", model: spam, version: champion", "it has no alias"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(rest: str, said: str) -> None:
    error = refusal(DIRECT % rest)
    assert said in error.message
    assert error.code == "document-unbound"


def test_a_model_without_a_version_cannot_be_deployed() -> None:
    assert "has no version yet" in refusal(DIRECT % ", model: new", Registered(labels={"new": []})).message


def test_faults_of_several_documents_are_told_at_once() -> None:
    text = (
        "deployments:\n- {strategy: direct, model: a}\n- {strategy: canary, model: churn, steps: [5]}\n"
        "- {strategy: direct, model: spam}\n- {strategy: direct, model: spam}"
    )
    lines = refusal(text).message.splitlines()
    assert [line.split(",")[0] for line in lines] == ["line 2", "line 3", "line 5"]
    assert "model 'spam' has a deployment already, at line 4, column 3" in lines[2]


@pytest.mark.parametrize(
    ("split", "arms"),
    [
        ("{v1: 0.2, v2: 0.8}", (Arm(1, 2000), Arm(2, 8000))),
        ("{v2: 80, v1: 20}", (Arm(1, 2000), Arm(2, 8000))),
        ("{v1: 33.33%, v2: 66.67 %}", (Arm(1, 3333), Arm(2, 6667))),
        ("{1.0.0: 0, 'churn:2': 1}", (Arm(1, 0), Arm(2, 10_000))),
    ],
)
def test_a_split_is_written_in_fractions_or_percents(split: str, arms: tuple[Arm, ...]) -> None:
    assert wanted(f"deployment: {{strategy: blue_green, model: churn, traffic_split: {split}}}").arms == arms


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("{v1: 0.2, v2: 0.7}", "the shares sum to 0.9: they must sum to 1, or to 100"),
        ("{v1: 20%, v2: 80}", "write all shares with a percent sign, or none"),
        ("{v1: 0.00001, v2: 0.99999}", "a share of 0.001 %: shares are hundredths of a percent"),
        ("{v1: 0.2, 1: 0.8}", "'1' is version 1, which has a share already"),
        ("{v1: 0.2, v9: 0.8}", "model 'churn' has no version 'v9'"),
        ("{v1: 0.2, champion: 0.8}", "model 'churn' has no version 'champion'"),
        ("{v2: 0.2, v3: 0.8}", "version 1 answers now, and has no share here"),
    ],
)
def test_a_split_that_nothing_could_be_split_by_is_refused(split: str, said: str) -> None:
    assert (
        said in refusal(f"deployment: {{strategy: blue_green, model: churn, traffic_split: {split}}}").message
    )


def test_green_is_the_newer_version_unless_another_one_is_to_be_brought() -> None:
    text = "deployment: {strategy: blue_green, model: churn, traffic_split: {v1: 0.2, v2: 0.8}%s}"
    assert wanted(text % "").candidate == 2
    assert wanted(text % ", version: 1").arms == (Arm(2, 8000), Arm(1, 2000))
    assert "version 3 is to be brought, and has no share here" in refusal(text % "", version="3").message


def test_blue_green_without_a_split_switches_at_once() -> None:
    spec = wanted("deployment: {strategy: blue_green, model: churn, version: 2, keep_warm: 1h}")
    assert (spec.arms, spec.candidate, spec.keep_warm) == ((), 2, 3600.0)


def test_the_last_arm_of_several_is_the_candidate() -> None:
    text = (
        "deployment: {strategy: ab, model: churn, sticky: caller, traffic_split: {v1: 50, v3: 25, v2: 25}%s}"
    )
    spec = wanted(text % ", decide: true")
    assert spec.arms == (Arm(1, 5000), Arm(3, 2500), Arm(2, 2500))
    assert (spec.candidate, spec.decide, spec.sticky) == (2, True, "caller")
    assert "is not the last arm" in refusal(text % ", version: 3").message


@pytest.mark.parametrize(
    ("rest", "steps"),
    [
        ("canary_percentage: 10", (1000, 10_000)),
        ("canary_percentage: 0.5%", (50, 10_000)),
        ("canary_percentage: 100", (10_000,)),
        ("steps: [5, 25, 100]", (500, 2500, 10_000)),
    ],
)
def test_a_canary_goes_up_to_all_of_the_traffic(rest: str, steps: tuple[int, ...]) -> None:
    assert wanted(f"deployment: {{strategy: canary, model: churn, {rest}}}").steps == steps


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("version: 2", "a canary has either canary_percentage or steps"),
        ("canary_percentage: 5, steps: [5, 100]", "a canary has either canary_percentage or steps"),
        ("steps: [25, 5, 100]", "the steps must grow"),
        ("steps: [5, 25]", "the last step is 25 %: a canary ends with 100"),
        ("canary_percentage: 0.001", "a share of 0.001 %"),
        ("steps: [5, 100], min_duration: 1h, max_duration: 1h", "leaves nothing of max_duration"),
        ("steps: [5, 100], error_level: 60%", "error_level is a chance"),
        ("steps: [5, 100], promotion_criteria: {error_rate: 150%}", "'error_rate' lies between 0 and 100 %"),
        (
            "steps: [5, 100], promotion_criteria: {accuracy_threshold: '90'}",
            "'accuracy_threshold' lies between",
        ),
        ("steps: [5, 100], promotion_criteria: {latency_p95: 0ms}", "no answer takes no time"),
        ("steps: [5, 100], promotion_criteria: {performance_degradation: 0%}", "0 % cannot be shown"),
        (
            "steps: [5, 100], promotion_criteria: {}, success_criteria: {}",
            "promotion_criteria is there already",
        ),
    ],
)
def test_a_canary_that_could_not_be_carried_out_is_refused(rest: str, said: str) -> None:
    error = refusal(f"deployment: {{strategy: canary, model: churn, {rest}}}")
    assert said in error.message
    assert error.code == "document-invalid"


PROOF = "'proven' proves criteria, and none is asked: add promotion_criteria"
SWITCHED = "says nothing here: all traffic is switched at once, so nothing is judged: add traffic_split"
ALL = "says nothing here: the first step has all of the traffic, so nothing is judged: begin with less"
UNDECIDED = "says nothing here: no arm is promoted by evidence here: add decide: true"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("strategy: canary, canary_percentage: 5, require: proven", PROOF),
        ("strategy: canary, canary_percentage: 5, require: proven, success_criteria: {}", PROOF),
        ("strategy: blue_green, require: proven, traffic_split: {v1: 50, v2: 50}", PROOF),
        ("strategy: blue_green, success_criteria: {error_rate: 1%}", f"'success_criteria' {SWITCHED}"),
        ("strategy: blue_green, min_requests: 9", f"'min_requests' {SWITCHED}"),
        ("strategy: blue_green, on_timeout: promote", f"'on_timeout' {SWITCHED}"),
        ("strategy: canary, canary_percentage: 100, min_duration: 1m", f"'min_duration' {ALL}"),
        (
            "strategy: canary, steps: [100], promotion_criteria: {error_rate: 1%}",
            f"'promotion_criteria' {ALL}",
        ),
        (
            "strategy: blue_green, traffic_split: {v1: 1, v2: 0}",
            "version 2 has no share, so it is never judged",
        ),
        ("strategy: ab, traffic_split: {v1: 50, v2: 50}, min_requests: 9", f"'min_requests' {UNDECIDED}"),
    ],
)
def test_a_word_that_would_change_nothing_is_refused(rest: str, said: str) -> None:
    error = refusal(f"deployment: {{model: churn, {rest}}}")
    assert said in error.message
    assert error.code == "document-invalid"


def of_task(task: str) -> Registered:
    return msgspec.structs.replace(CHURN, tasks={"churn": task})


@pytest.mark.parametrize("task", ["regression", "entities", "transform"])
def test_accuracy_is_not_asked_where_right_is_a_matter_of_degree(task: str) -> None:
    """No feedback would ever be evidence of it, so nothing is promoted on a promise that is not kept."""
    text = "deployment: {strategy: canary, model: churn, steps: [5, 100], %s: {accuracy_threshold: 0.9}}"
    for key in ("promotion_criteria", "success_criteria"):
        error = refusal(text % key, of_task(task))
        assert error.code == "target-cannot"
        assert error.faults[0][0] == f"/deployment/{key}/accuracy_threshold"
        assert wanted(text % key, of_task("classification")).terms.criteria.accuracy == 0.9


def test_a_threshold_of_confidence_is_not_taken_where_there_is_none() -> None:
    text = "model_config: {name: churn, parameters: {confidence_threshold: 0.9}}"
    for task in ("regression", "multilabel", "entities"):
        assert "which has no confidence" in refusal(text, of_task(task)).message
    assert resolve(read(text), of_task("classification"))


@pytest.mark.parametrize("secret", ["${ENV:KEY}", "${FILE:/run/key}", "secret://key"])
def test_a_secret_is_refused_where_no_key_takes_one_and_not_repeated(secret: str) -> None:
    error = refusal(f"model_config: {{name: '{secret}'}}")
    assert "line 1, column 22: 'name' takes no secret" in error.message
    assert secret not in error.message


def test_every_term_is_read_in_its_unit() -> None:
    spec = wanted(
        "deployment: {strategy: canary, model: churn, steps: [5, 100], require: proven, error_level: 5%, "
        "promotion_criteria: {error_rate: 1%}, min_requests: 50, min_duration: 30s, max_duration: 2h, "
        "on_timeout: rollback}"
    )
    assert spec.terms == Terms(
        criteria=Criteria(error_rate=0.01),
        require="proven",
        error_level=0.05,
        min_requests=50,
        min_duration=30.0,
        max_duration=7200.0,
        on_timeout="rollback",
    )


def test_what_is_left_out_has_the_default_of_the_contract() -> None:
    assert wanted("deployment: {strategy: canary, model: churn, steps: [5, 100]}").terms == Terms()


@pytest.mark.parametrize(("written", "share"), [("10%", 1000), ("0.1", 1000), ("1", 10_000), ("0.01%", 1)])
def test_a_shadow_repeats_a_share(written: str, share: int) -> None:
    assert wanted(f"deployment: {{strategy: shadow, model: churn, share: {written}}}").share == share


def test_a_shadow_of_nothing_is_refused() -> None:
    assert "compares nothing" in refusal("deployment: {strategy: shadow, model: churn, share: 0%}").message


def test_a_model_config_says_how_a_model_is_served() -> None:
    found = config(
        "model_config:\n  name: churn\n  parameters: {max_tokens: 64}\n  scaling: {min_instances: 0}\n"
        "  validation: {max_length: 20, ranges: {age: [0, null]}, denied_patterns: [x+]}"
    )
    rules = {"max_length": 20, "ranges": {"age": [0.0, None]}, "denied_patterns": ["x+"]}
    assert found == ModelConfig(Overrides(max_tokens=64, validation=rules), Scaling(0, 1))


def test_a_config_that_is_left_out_leaves_the_bundles_own() -> None:
    assert config("model_config: {name: churn}") == ModelConfig()


@pytest.mark.parametrize(
    ("rest", "said", "code"),
    [
        ("scaling: {min_instances: 4, max_instances: 2}", "from 4 to 2 instances", "document-invalid"),
        ("validation: {allowed_pattern: '('}", "'(' is no regular expression", "bad-pattern"),
        ("validation: {denied_patterns: [x, '[']}", "'[' is no regular expression", "bad-pattern"),
        ("validation: {allowed_pattern: '(a+)+b'}", "a text could keep allowed_pattern", "slow-pattern"),
        (
            "validation: {denied_patterns: [x, '(a|aa)+$']}",
            "keep denied_patterns '(a|aa)+$' busy",
            "slow-pattern",
        ),
        ("validation: {ranges: {age: [2, 1]}}", "no value lies from 2 to 1", "document-invalid"),
        (
            "version: 2",
            "version 1 is deployed: a deployment document says how version 2 gets there",
            "document-invalid",
        ),
    ],
)
def test_a_config_that_no_model_could_be_served_by_is_refused(rest: str, said: str, code: str) -> None:
    error = refusal(f"model_config: {{name: churn, {rest}}}")
    assert said in error.message
    assert error.code == code


def test_a_config_may_name_the_version_that_is_live_or_on_its_way() -> None:
    moving = msgspec.structs.replace(
        CHURN, deployed={"churn": DeploymentSpec("churn", "canary", 2, steps=(10_000,))}
    )
    for version in (1, 2):
        asked = resolve(read(f"model_config: {{name: churn, version: {version}}}"), moving)
        assert [each.kind for each in asked] == ["model_config"]


def test_a_target_refuses_what_it_cannot_honour() -> None:
    text = "model_config: {name: churn, scaling: {min_instances: 0, max_instances: 9, auto_scale: true}}"
    cloud = Abilities("cloud", scales=False, lazy=False, strategies=frozenset({"direct"}))
    error = refusal(text, target=cloud)
    assert error.code == "target-cannot"
    assert [pointer for pointer, _ in error.faults] == [
        "/model_config/scaling/min_instances",
        "/model_config/scaling/auto_scale",
    ]
    canary = "deployment: {strategy: canary, model: churn, canary_percentage: 5}"
    assert "the target 'cloud' cannot carry out 'canary'" in refusal(canary, target=cloud).message


def test_more_instances_than_a_machine_has_are_an_upper_bound() -> None:
    found = config("model_config: {name: churn, scaling: {max_instances: 5000}}")
    assert found.scaling == Scaling(1, 5000)


def test_what_is_kept_of_a_document_is_what_was_written() -> None:
    (asked,) = resolve(read("deployment: {strategy: canary, canary_percentage: 10%}"), CHURN, model="churn")
    assert asked == Asked(
        "deployment", "churn", {"strategy": "canary", "canary_percentage": "10%"}, asked.resolved
    )
