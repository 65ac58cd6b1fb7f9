"""A rule set that is not exactly right is refused, with the file, the line and what is wrong."""

from pathlib import Path

import pytest

from asm_sim.errors import InputError
from asm_sim.rules.load import load_rules, parameters

HEAD = "extends: asm-2026-final\nid: mine\ntitle: Mine\n"  # lines 1 to 3

# What is written from line 4 on; the line of the complaint; words in it.
REFUSED = {
    "unknown group": (
        "qualty:\n  case_minimum: {value: 30}\n",
        4,
        "unknown key 'qualty' (did you mean 'quality'?)",
    ),
    "unknown parameter": (
        "quality:\n  case_minimun: {value: 30}\n",
        5,
        "unknown key 'quality.case_minimun' (did you mean 'case_minimum'?)",
    ),
    "unknown key in a parameter": (
        "quality:\n  case_minimum: {vlaue: 30}\n",
        5,
        "unknown key 'quality.case_minimum.vlaue' (did you mean 'value'?)",
    ),
    "unknown key in a measure": (
        "measures:\n  Q005:\n    inverze: {value: true}\n",
        6,
        "unknown key 'measures.Q005.inverze'",
    ),
    "duplicate key": (
        "quality:\n  case_minimum: {value: 30}\n  case_minimum: {value: 40}\n",
        6,
        "the key 'case_minimum' is given twice",
    ),
    "duplicate key on one line": (
        "quality:\n  case_minimum: {value: 30, value: 40}\n",
        5,
        "the key 'value' is given twice",
    ),
    "word for a number": (
        "quality:\n  case_minimum: {value: twenty}\n",
        5,
        "'quality.case_minimum.value': input should be a valid number, got 'twenty'",
    ),
    "quoted number": ("quality:\n  case_minimum: {value: '20'}\n", 5, "got '20'"),
    "flag for a number": ("quality:\n  case_minimum: {value: true}\n", 5, "got True"),
    "number for a flag": (
        "measures:\n  Q005:\n    inverse: {value: 1}\n",
        6,
        "'measures.Q005.inverse.value': input should be a valid boolean, got 1",
    ),
    "nothing for a number": ("quality:\n  case_minimum: {value: }\n", 5, "got None"),
    "fraction for a count": (
        "small_practice:\n  small_maximum_clinicians: {value: 15.5}\n",
        5,
        "input should be a valid integer",
    ),
    "bare number for a parameter": (
        "quality:\n\n  case_minimum: 30\n",
        6,
        "'quality.case_minimum': input should be a valid dictionary",
    ),
    "list that is too short": (
        "quality:\n  case_minimum: {range: [20]}\n",
        5,
        "'quality.case_minimum.range.1' is missing",
    ),
    "out of range": (
        "quality:\n  completeness_minimum: {value: 75}\n",
        5,
        "quality.completeness_minimum: 75 is out of range: 0 to 1",
    ),
    "out of range in one year": (
        "payment:\n  risk_level: {value: {2030: 1.5}}\n",
        5,
        "payment.risk_level: 1.5 is out of range: 0 to 1",
    ),
    "not one of the choices": (
        "final_score:\n  missing_category: {value: reweigh}\n",
        5,
        "'reweigh' is not one of: reweight, neutral, zero (did you mean 'reweight'?)",
    ),
    "weights that do not sum to one": (
        "final_score:\n  weight_quality: {value: 0.6}\n",
        4,
        "the weights of quality and cost sum to 1.1 in 2027, not 1",
    ),
    "weights that do not sum to one in a later year": (
        "final_score:\n  weight_quality:\n"
        "    value: {2027: 0.5, 2028: 0.5, 2029: 0.5, 2030: 0.5, 2031: 0.4}\n",
        4,
        "sum to 0.9 in 2031",
    ),
    "reading that is no choice": (
        "final_score:\n  missing_category: {readings: {reweight: 1, neutrl: 1}}\n",
        5,
        "readings: 'neutrl' is not one of: reweight, neutral, zero (did you mean 'neutral'?)",
    ),
    "reading of a switch": (
        "quality:\n  pool_collection_types: {readings: {true: 1, perhaps: 1}}\n",
        5,
        "readings: 'perhaps' is neither true nor false",
    ),
    "reading of a cap": (
        "payment:\n  cap: {readings: {none: 1, one: 1}}\n",
        5,
        "readings: 'one' is neither a number nor none",
    ),
    "reading of a cap out of range": (
        "payment:\n  cap: {readings: {none: 1, '-1': 1}}\n",
        5,
        "readings: -1 is out of range: 0 to 1000",
    ),
    "one reading alone": (
        "payment:\n  cap: {readings: {none: 1}}\n",
        5,
        "readings: needs two alternatives or more",
    ),
    "weight of nothing": (
        "payment:\n  cap: {readings: {none: 1, 1: 0}}\n",
        5,
        "readings: 1: the weight must be above 0, got 0; leave the alternative out",
    ),
    "word for a weight": (
        "payment:\n  cap: {readings: {none: most, 1: 1}}\n",
        5,
        "'payment.cap.readings.none': input should be a valid number, got 'most'",
    ),
    "readings of a number": (
        "quality:\n  case_minimum: {readings: {20: 1, 30: 1}}\n",
        5,
        "readings: '20' on a number, which has low and high in place of readings",
    ),
    "readings and a range": (
        "payment:\n  cap: {low: 1, readings: {none: 1, 1: 1}}\n",
        5,
        "payment.cap: has readings, and low or high; give one of both",
    ),
    "not a number": ("quality:\n  case_minimum: {value: .nan}\n", 5, "'.nan' is not a finite"),
    "infinity": ("payment:\n  cap: {value: .inf}\n", 5, "'.inf' is not a finite number"),
    "infinity by its size": ("payment:\n  cap: {value: 1e999}\n", 5, "not a finite number"),
    "tag": (
        "quality:\n  case_minimum: {value: !!python/object/apply:os.getcwd []}\n",
        5,
        "YAML tags (!...) are not allowed",
    ),
    "tag of one's own": ("quality: !mine\n  case_minimum: {value: 1}\n", 4, "YAML tags"),
    "anchor": ("quality: &here\n  case_minimum: {value: 1}\n", 4, "anchors and aliases"),
    "alias": ("quality: *here\n", 4, "anchors and aliases are not allowed"),
    "missing year": (
        "quality:\n  case_minimum: {value: {2027: 30, 2028: 30, 2029: 30, 2030: 30}}\n",
        5,
        "quality.case_minimum: no value for 2031",
    ),
    "year outside the model": (
        "payment:\n  risk_level: {value: {2032: 0.1}}\n",
        5,
        "payment.risk_level: 2032 is not a performance year",
    ),
    "years out of order": (
        "performance_years: {value: [2028, 2027]}\n",
        4,
        "must be given once each, in ascending order",
    ),
    "measure without an entry": (
        "cohorts:\n  HF:\n    quality_measures: {value: [Q999]}\n",
        6,
        "cohorts.HF.quality_measures: no entry for measure 'Q999'",
    ),
    "measure named twice": (
        "cohorts:\n  HF:\n    quality_measures: {value: [Q005, Q005]}\n",
        6,
        "cohorts.HF.quality_measures: a quality measure is named twice",
    ),
    "cohort without measures": (
        "cohorts:\n  HF:\n    quality_measures: {value: []}\n",
        6,
        "cohorts.HF.quality_measures: needs at least one quality measure",
    ),
    "unfinished cohort": (
        "cohorts:\n  DM:\n    title: Diabetes\n",
        5,
        "'cohorts.DM.cost_measure' is missing",
    ),
    "unknown collection type": (
        "measures:\n  Q005:\n    collection_types: {value: [fax]}\n",
        6,
        "measures.Q005.collection_types: unknown collection type 'fax'",
    ),
    "curve with a knot too few": (
        "cost:\n  standard_deviation_curve:\n    z: {value: [0, 1]}\n",
        5,
        "z and points must have the same number of knots",
    ),
    "curve that does not ascend": (
        "cost:\n  standard_deviation_curve:\n    z: {value: [1, 0]}\n    points: {value: [2, 1]}\n",
        5,
        "z must ascend",
    ),
    "minimum above maximum": (
        "complex_patient:\n  minimum: {value: 20}\n",
        4,
        "complex_patient: minimum is above maximum in 2027",
    ),
    "blank that is no possible number of activities": (
        "improvement_activities:\n  adjustment_by_completed: {value: [-10, 0]}\n"
        "  blank_counts_as: {value: 2}\n",
        4,
        "blank_counts_as is not a number of activities that can be completed",
    ),
    "midpoint of an exchange function without one": (
        "payment:\n  exchange:\n    form: {value: rank}\n    midpoint: {value: mean}\n",
        7,
        "payment.exchange.midpoint: 'mean' would do nothing, since the form 'rank' has no midpoint",
    ),
    "steepness of a standard set in advance": (
        "payment:\n  exchange:\n    form: {value: threshold}\n    steepness: {value: 0.2}\n",
        7,
        "payment.exchange.steepness: 0.2 would do nothing, since the form 'threshold' has no slope "
        "of its own; leave it at 0.1",
    ),
    "share of a pool that is not there": (
        "payment:\n  exchange:\n    form: {value: threshold}\n"
        "  redistribution_share: {value: {2027: 1, 2028: 1, 2029: 1, 2030: 1, 2031: 0.85}}\n",
        7,
        "payment.redistribution_share: 1, 0.85 would do nothing, since the form 'threshold' has no "
        "pool; leave it at 0.85",
    ),
    "threshold at the highest score": (
        "payment:\n  exchange:\n    form: {value: threshold}\n    threshold: {value: 100}\n",
        7,
        "payment.exchange.threshold: 100 in 2027 is not between 0 and the highest final score, 100",
    ),
    "threshold of no points in one year": (
        "payment:\n  exchange:\n    form: {value: threshold}\n"
        "    threshold: {value: {2027: 75, 2028: 75, 2029: 75, 2030: 0, 2031: 75}}\n",
        7,
        "payment.exchange.threshold: 0 in 2030 is not between 0 and",
    ),
    "neutral band without a median to lie around": (
        "payment:\n  exchange:\n    form: {value: threshold}\n"
        "  neutral_band: {value: {2027: 0, 2028: 0, 2029: 0, 2030: 0, 2031: 4}}\n",
        7,
        "payment.neutral_band: a neutral band lies around the median of the final scores",
    ),
    "average over part of a year": (
        "final_score:\n  averaging_years: {value: 1.5}\n",
        5,
        "input should be a valid integer",
    ),
    "exchange function that is not programmed": (
        "payment:\n  exchange:\n    form: {value: cubic, choices: [logistic, cubic]}\n",
        6,
        "payment.exchange.form.choices: 'cubic' is not programmed",
    ),
    "key that is no name": ("quality:\n  ? [a]\n  : 1\n", 5, "a key must be a name or a year"),
    "two documents": ("---\nid: other\n", 4, "not valid YAML"),
    "broken YAML": ("quality: {case_minimum: [}\n", 4, "not valid YAML"),
}


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_rules(path)
    return str(caught.value)


@pytest.mark.parametrize(("text", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_with_file_and_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + text)
    message = refusal(path)
    assert f"{path}, line {line}: " in message
    assert words in message


BASES = {
    "unknown": ("asm-2026-finl", "did you mean 'asm-2026-final' or 'asm-2026-with-copd'?"),
    "relative path": ("../asm-2026-final", "must be a name"),
    "path of a file": ("asm-2026-final.yaml", "no rule set is called"),
    "absolute path": ("/etc/passwd", "must be a name"),
    "hidden": (".mine", "must be a name"),
    "list": ("[asm-2026-final]", "extends must be the name of a rule set"),
    "itself": ("mine", "circular: 'mine' ends up extending itself"),
}


@pytest.mark.parametrize(("base", "words"), BASES.values(), ids=BASES)
def test_what_a_rule_set_can_extend(tmp_path: Path, base: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"id: mine\nextends: {base}\n")
    message = refusal(path)
    assert f"{path}, line 2: " in message
    assert words in message


def test_a_circle_of_two_is_refused_where_it_closes(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("id: one\nextends: two\n")
    (tmp_path / "two.yaml").write_text("id: two\n\nextends: one\n")
    message = refusal(tmp_path / "one.yaml")
    assert f"{tmp_path / 'two.yaml'}, line 3: " in message
    assert "circular" in message


def test_without_a_base_everything_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("id: mine\ntitle: Mine\n")
    message = refusal(path)
    assert f"{path}, line 1: 'payment' is missing" in message
    assert "'cohorts' is missing" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"- a\n", "line 1: expected a mapping"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"\x00", "not valid YAML"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    message = refusal(path)
    assert str(path) in message
    assert words in message


def test_a_file_that_is_not_there_and_a_name_that_nobody_knows(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "mine.yaml")
    assert "did you mean 'asm-2026-final' or 'asm-2026-with-copd'?" in refusal(
        Path("asm-2026-fina")
    )


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + "quality:\n  case_minimum: {value: x}\ncost:\n  case_minimum: 3\n")
    message = refusal(path)
    assert f"{path}, line 5: 'quality.case_minimum.value'" in message
    assert f"{path}, line 7: 'cost.case_minimum'" in message


def test_a_base_beside_the_file_and_only_the_named_years_change(tmp_path: Path) -> None:
    (tmp_path / "middle.yaml").write_text(HEAD + "payment:\n  risk_level: {value: {2027: 0.02}}\n")
    path = tmp_path / "mine.yaml"
    path.write_text("extends: middle\npayment:\n  risk_level: {value: {2028: 0.03}}\n")
    risk_level = load_rules(path).payment.risk_level
    assert [risk_level.at(year) for year in range(2027, 2032)] == [0.02, 0.03, 0.10, 0.11, 0.12]


@pytest.mark.parametrize(
    ("dotted", "value", "words"),
    [
        ("payment.redistribution_shar", 1.0, "did you mean 'redistribution_share'?"),
        ("payment", 1.0, "is a group, not a parameter"),
        ("payment.risk_level.value.2027", 0.1, "is not a parameter"),
        ("payment.risk_level", {2026: 0.1}, "2026 is not a performance year"),
        ("payment.risk_level", 2.0, "2 is out of range: 0 to 1"),
        ("payment.redistribution_share", float("nan"), "finite number"),
        ("payment.redistribution_share", "most", "valid number, got 'most'"),
        ("final_score.weight_cost", 0.6, "sum to 1.1 in 2027, not 1"),
        ("payment.risk_level", {2028: "x"}, "risk_level.value.2028': input should be a valid num"),
        ("payment.cap", {2028: {2029: 1.0}}, "cap.value.2028': input should be a valid number"),
        *(
            (dotted, {2028: value}, f"{dotted!r} has no values by year; give one for all years")
            for dotted, value in (
                ("payment.exchange.form", "rank"),
                ("quality.pool_collection_types", True),
                ("final_score.maximum", 90.0),
                ("final_score.averaging_years", 2),
                ("quality.decile_percentiles", [1, 50]),
                ("cohorts.HF.quality_measures", ["Q008"]),
                ("measures.Q236.rate_unit", "percent"),
            )
        ),
    ],
)
def test_settings_are_as_strict(dotted: str, value: object, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_rules(settings={dotted: value})
    assert f"setting {dotted}: " in str(caught.value)
    assert words in str(caught.value)
    assert len(caught.value.problems) <= 1


def test_settings_change_the_value_and_nothing_else() -> None:
    before = dict(parameters(load_rules()))
    after = dict(
        parameters(
            load_rules(
                settings={
                    "rules.payment.redistribution_share": 1.0,
                    "payment.risk_level": {2027: 0.02},
                }
            )
        )
    )
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {"rules.payment.redistribution_share", "rules.payment.risk_level"}
    risk_level = after["rules.payment.risk_level"].value  # type: ignore[attr-defined]
    assert risk_level == {2027: 0.02, 2028: 0.09, 2029: 0.10, 2030: 0.11, 2031: 0.12}
    share = after["rules.payment.redistribution_share"]
    assert share.source == before["rules.payment.redistribution_share"].source


def test_every_parameter_of_the_2026_rule_says_where_it_comes_from() -> None:
    found = list(parameters(load_rules()))
    assert len(found) > 80
    for path, parameter in found:
        assert parameter.unit, path
        assert parameter.source, path
        assert parameter.description, path


def test_readings_name_values_with_weights(tmp_path: Path) -> None:
    """Keys as YAML writes a flag, a number or a word; 1 and 1.0 are the same weight."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        f"{HEAD}quality: {{pool_collection_types: {{readings: {{true: 1, false: 3}}}}}}\n"
        "payment: {cap: {value: 1.5, readings: {none: 0.5, 1: 0.25, '1.5': 0.25}}}\n"
    )
    rules = load_rules(mine)
    switch, cap = rules.quality.pool_collection_types, rules.payment.cap
    assert switch.readings == {"true": 1.0, "false": 3.0}
    assert [switch.reading(name) for name in switch.readings] == [True, False]
    assert cap.readings is not None
    assert [cap.reading(name) for name in cap.readings] == ["none", 1.0, 1.5]


def test_what_is_as_it_was_may_stand_beside_a_threshold() -> None:
    settings = {"payment.exchange.form": "threshold", "payment.redistribution_share": 0.85}
    rules = load_rules(settings=settings | {"payment.exchange.steepness": {2028: 0.1}})
    assert rules.payment.exchange.form.value == "threshold"


def test_a_threshold_that_is_not_used_may_lie_anywhere() -> None:
    """The highest final score can be moved without a thought for it."""
    rules = load_rules(settings={"final_score.maximum": 60})
    assert rules.payment.exchange.threshold.at(2027) > rules.final_score.maximum.value
