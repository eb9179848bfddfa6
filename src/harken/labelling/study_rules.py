"""The rules that a study keeps: newcomers get them, and other rules are applied to everybody or refused.

They stand in ``study.toml`` (``study_file``). Commands read and write it in turn. What another command changes in the
meantime is seen at the end of a command, which then summarises its own results again.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import msgspec

from harken.annotations.folders import STUDY_FILE, SUMMARY
from harken.labelling.people import read_kept_people
from harken.labelling.settings import LabelSettings, file_sha256, rules_key
from harken.labelling.stored import read_summary, results_in
from harken.labelling.study_file import (
    PACKAGED,
    READING,
    RULES,
    StudyModel,
    StudySettings,
    Teaching,
    format_typed,
    read_study_file,
    value_of,
    with_values,
    write_study_file,
)
from harken.models.model_file import PACKAGED_MODEL, model_path, read_model
from harken.outcomes.rules import CutPoints, Rules
from harken.outcomes.segments import Segment
from harken.support.errors import HarkenError
from harken.support.files import Json, writing_in_turn
from harken.support.options import DeclaredOption
from harken.support.printable import listed, printable

OF_ITS_OWN = "timezone"
"""The setting of reading that a call may have for its own recordings: sites may lie in different zones."""
MOST_NAMED = 3


@dataclass(frozen=True)
class Asked:
    """What a command asks for.

    Attributes:
        settings: the settings as typed, with the defaults of what was not typed.
        given: the names of what was typed.
        model: the model that was typed; None if none was.
        teaching: whether wearers are to be taught, as typed.
        folders: the folders of results that the command makes or makes again.
        again: whether recordings are labelled again.
    """

    settings: LabelSettings
    given: Collection[str]
    model: Path | None = None
    teaching: Teaching = field(default_factory=Teaching)
    folders: Sequence[Path] = ()
    again: bool = False


@dataclass(frozen=True)
class _Kept:
    """What a study has: its settings, and the rules that its results do not agree on, by name, with a sentence."""

    study: StudySettings
    unsettled: Mapping[str, str]
    summaries: Mapping[Path, Json]
    is_written: bool

    @property
    def is_empty(self) -> bool:
        """Whether nobody has results."""
        return not self.summaries


def take_for_labelling(out: Path, asked: Asked) -> StudySettings:
    """Return the settings by which a call of ``harken label`` labels, and write those of the study, if they are new.

    What was not typed is the study's. What was typed must be the study's, unless the call makes the results of
    everybody.

    Args:
        out: the folder of the study, which exists.
        asked: what the call asks for.

    Raises:
        HarkenError: when a setting is not the study's and the call does not cover everybody, when the results of others
            were made by other rules than the study's, or when ``study.toml`` or something that it names cannot be used.
    """
    with writing_in_turn(out / STUDY_FILE):
        kept = _read_kept(out)
        others = [folder for folder in kept.summaries if folder not in set(asked.folders)]
        _refuse_unsettled(out, kept, () if others else asked.given)
        rules = {option.name: value_of(asked.settings, option) for option in RULES if option.name in asked.given}
        reading = {option.name: value_of(asked.settings, option) for option in READING if option.name in asked.given}
        study = kept.study
        labels_all = kept.is_empty or (asked.again and not others)
        if others:
            _refuse_other_rules(out, study, rules)
        ways = list(_list_other_ways(study, reading, asked))
        is_new = any(not (folder / SUMMARY).exists() for folder in asked.folders)
        if ways and not labels_all and (asked.again or is_new):
            raise _refuse_ways(out, ways)
        with_rules = replace(study, settings=with_values(study.settings, rules))
        used = StudySettings(
            with_values(_of_call(asked.settings, with_rules.settings), reading),
            _choose_model(out, study, asked),
            asked.teaching if asked.teaching.is_on else study.teaching,
        )
        _check_files(out, used.settings, asked.given)
        _refuse_stale(out, used.settings, {folder: kept.summaries[folder] for folder in others})
        now = replace(used, settings=with_values(with_rules.settings, reading)) if labels_all else with_rules
        if now.model is None:
            now = replace(now, model=used.model)
        if now != kept.study or not kept.is_written:
            write_study_file(out, now)
        return used


def take_for_summarising(out: Path, rules: Rules, given: Collection[str], *, defaults: bool = False) -> Rules:
    """Return the rules by which everybody is summarised, and write them as those of the study.

    Args:
        out: the folder of the study, which holds results.
        rules: the rules as typed, with the defaults of what was not typed.
        given: the names of what was typed.
        defaults: whether a rule that was not typed goes back to its default; else it is the study's.

    Raises:
        HarkenError: when ``study.toml`` or something that it names cannot be used.
    """
    with writing_in_turn(out / STUDY_FILE):
        kept = _read_kept(out)
        if not defaults:
            _refuse_unsettled(out, kept, given)
        values = {option.name: value_of(rules, option) for option in RULES if defaults or option.name in given}
        settings = with_values(kept.study.settings, values)
        _check_files(out, settings, given)
        study = replace(kept.study, settings=settings)
        if study != kept.study or not kept.is_written:
            write_study_file(out, study)
        return settings.rules


def read_rules_now(out: Path, used: Rules) -> Rules:
    """Return the rules of the study, as they are now; those that were used, if they are the same.

    Raises:
        HarkenError: as ``read_study_file``.
    """
    study = read_study_file(out)
    if study is None or _contents(study.settings) == _contents(used):
        return used
    return study.settings.rules


def _of_call(typed: LabelSettings, study: LabelSettings) -> LabelSettings:
    """The settings as typed, with the rules and settings of reading that the study keeps."""
    kept = {option.name: value_of(study, option) for option in (*RULES, *READING)}
    return with_values(typed, kept)


def _read_kept(out: Path) -> _Kept:
    """The settings in ``study.toml``; without this file, those by which the results were made."""
    summaries = {}
    for folder in results_in(out):
        try:
            summaries[folder] = read_summary(folder)
        except HarkenError:  # the command, or the page of the study, names it
            continue
    study = read_study_file(out)
    if study is not None:
        return _Kept(study, {}, summaries, is_written=True)
    return _Kept(*_find_in_results(summaries), summaries, is_written=False)


def _find_in_results(summaries: Mapping[Path, Json]) -> tuple[StudySettings, dict[str, str]]:
    """The settings of results without ``study.toml``, and the rules on which they do not agree."""
    values: dict[str, Any] = {}
    unsettled: dict[str, str] = {}
    for option in RULES:
        stored = [summary["summarised_by"].get(option.name, option.default) for summary in summaries.values()]
        if not stored:
            continue
        counts = Counter(map(_encode, stored))
        if len(counts) > 1 and not _is_digest(option):
            files = Counter(format_typed(option, _restore(option, value)) for value in stored)
            unsettled[option.name] = listed(f"{typed} ({number:,})" for typed, number in files.most_common(MOST_NAMED))
        elif _is_digest(option):
            if any(value is not None for value in stored):
                unsettled[option.name] = f"{option.flag} FILE, of which only the content is known"
        else:
            values[option.name] = _restore(option, stored[0])
    return StudySettings(with_values(LabelSettings(), values), _find_model(summaries)), unsettled


def _find_model(summaries: Mapping[Path, Json]) -> StudyModel | None:
    """The model of results, if it is one. A wearer who taught may have a personal model."""
    digests = {summary["labelled_by"]["model_sha256"] for summary in summaries.values() if summary["taught"] is None}
    if len(digests) != 1:
        return None
    digest = digests.pop()
    return StudyModel(Path(PACKAGED) if digest == file_sha256(PACKAGED_MODEL) else None, digest)


def _encode(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _is_digest(option: DeclaredOption) -> bool:
    """Whether results keep the digest of a file for this rule."""
    return option.option.kind is not Path and Path in get_args(option.kind)


def _restore(option: DeclaredOption, stored: Any) -> Any:
    """The value of a rule in a summary, as it is in ``Rules``."""
    try:
        if option.name == "cut_points":
            return msgspec.convert(stored, CutPoints)
        if option.name == "segments":
            return tuple(msgspec.convert(stored, list[Segment]))
    except msgspec.ValidationError as error:
        raise HarkenError(f"the rule {option.flag} of these results cannot be read ({error})") from error
    return stored


def _refuse_unsettled(out: Path, kept: _Kept, given: Collection[str]) -> None:
    """Raise a HarkenError if results were made by different rules, none of which was typed."""
    for name, sentence in kept.unsettled.items():
        if name not in given:
            flag = next(option.flag for option in RULES if option.name == name)
            raise HarkenError(
                f"these results have no {STUDY_FILE}, and were made with {sentence}; say what applies to everybody: "
                f"harken summarise {out} {flag} ..., or begin with --defaults",
                path=out,
            )


def _refuse_other_rules(out: Path, study: StudySettings, rules: Mapping[str, Any]) -> None:
    """Raise a HarkenError if rules were typed that are not those of the study."""
    contents = _contents(study.settings)
    typed = [option for option in RULES if option.name in rules]
    asked = _contents(with_values(study.settings, rules))
    differ = [option for option in typed if contents[option.name] != asked[option.name]]
    if not differ:
        return
    wanted = " ".join(format_typed(option, rules[option.name]) for option in differ)
    have = " ".join(format_typed(option, value_of(study.settings, option)) for option in differ)
    if any(option.name == "segments" for option in differ):
        wanted = wanted.replace(" (", " FILE (")
    raise HarkenError(
        f"{wanted} is not the rule of this study, which is {have}; leave the option out, or apply it to everybody: "
        f"harken summarise {out} {wanted}, and then repeat this command",
        path=out / STUDY_FILE,
    )


def _list_other_ways(study: StudySettings, reading: Mapping[str, Any], asked: Asked) -> Iterator[tuple[str, str]]:
    """What was typed of reading, model and teaching that is not the study's, and what the study has."""
    for option in READING:
        have = value_of(study.settings, option)
        if option.name in reading and option.name != OF_ITS_OWN and reading[option.name] != have:
            yield format_typed(option, reading[option.name]), format_typed(option, have)
    if asked.model is not None and study.model is not None:
        digest = _digest_model(asked.model)
        if digest != study.model.sha256:
            of_study = study.model.file or "another model"
            yield (
                f"--model {asked.model} (SHA-256 {digest[:12]})",
                f"{of_study} (SHA-256 {study.model.sha256[:12]})",
            )
    if asked.teaching.is_on and not study.teaching.is_on:
        yield ("--teach-labels" if asked.teaching.labels else "--teach"), "without teaching"


def _refuse_ways(out: Path, ways: Sequence[tuple[str, str]]) -> HarkenError:
    wanted, have = (listed(words) for words in zip(*ways, strict=True))
    return HarkenError(
        f"{wanted} is not how this study was labelled, which is {have}; leave the option out, or label everybody so: "
        f"give all recordings of the study and --again",
        path=out / STUDY_FILE,
    )


def _choose_model(out: Path, study: StudySettings, asked: Asked) -> StudyModel:
    """The model that labels: the one that was typed, or else the study's.

    Raises:
        HarkenError: when the model of the study is not where it was, or is another one now.
    """
    if asked.model is not None or study.model is None:
        if asked.model is None or model_path(asked.model) == PACKAGED_MODEL:
            return StudyModel(Path(PACKAGED), file_sha256(PACKAGED_MODEL))
        return StudyModel(asked.model, _digest_model(asked.model))
    model = study.model
    words = f"the model of this study (SHA-256 {model.sha256[:12]})"
    if model.file is None:
        raise HarkenError(f"nobody knows where {words} is; give it with --model", path=out)
    file = PACKAGED_MODEL if model.is_packaged else model_path(model.file)
    try:
        digest = file_sha256(file)
    except HarkenError as error:
        raise HarkenError(f"{words} is not there ({error}); give it with --model", path=out / STUDY_FILE) from error
    if digest != model.sha256:
        raise HarkenError(
            f"{words} is another one now: {printable(model.file)} has the SHA-256 {digest[:12]}; give the model of the "
            "study with --model, or label everybody by the new one: give it, all recordings of the study and --again",
            path=out / STUDY_FILE,
        )
    return model


def _digest_model(model: Path) -> str:
    """Raises a HarkenError if it is no model."""
    read_model(model)
    return file_sha256(model_path(model))


def _check_files(out: Path, settings: LabelSettings, given: Collection[str]) -> None:
    """Raise a HarkenError if a file that ``study.toml`` names cannot be used. What was typed is checked already."""
    for option in RULES:
        path = value_of(settings, option)
        if isinstance(path, Path) and option.name not in given and option.option.read is not None:
            try:
                option.option.read(path)
            except HarkenError as error:
                raise HarkenError(f"{option.flag} of this study: {error}", path=out / STUDY_FILE) from error


def _contents(rules: Rules) -> Json:
    """The rules by name, a file by its content; a file that is not there by a word."""
    missing = {}
    for option in RULES:
        path = value_of(rules, option)
        if isinstance(path, Path):
            try:
                file_sha256(path)
            except HarkenError:
                missing[option.name] = "missing"
    plain = {name: value for name, value in vars(rules).items() if name in {option.name for option in RULES}}
    key = rules_key(Rules(**plain | dict.fromkeys(missing)))
    return {option.name: missing.get(option.name, key[option.name]) for option in RULES}


def _refuse_stale(out: Path, settings: LabelSettings, summaries: Mapping[Path, Json]) -> None:
    """Raise a HarkenError if results were made by other rules than the study's: then its file, or a file that it names,
    was edited, or a command was stopped."""
    for option in READING:
        have = value_of(settings, option)
        if option.name == OF_ITS_OWN:
            continue
        others = [folder for folder, summary in summaries.items() if summary["labelled_by"].get(option.name) != have]
        if others:
            raise HarkenError(
                f"this study is labelled {_with(format_typed(option, have))}, but {len(others):,} of "
                f"{len(summaries):,} results were not ({others[0].name}); label all recordings of the study with "
                "--again, or change the file back",
                path=out / STUDY_FILE,
            )
    people = read_kept_people(out)
    of_everybody = _contents(settings)
    of_rule: dict[str, list[Path]] = {}
    for folder, summary in summaries.items():
        person = people.get(summary["subject"])
        # The row of a person in the table of people is for this person's files.
        now = of_everybody if person is None else _contents(person.change_rules(settings))
        for option in RULES:
            before = summary["summarised_by"].get(option.name, option.default)
            if _encode(before) != _encode(now[option.name]):
                of_rule.setdefault(option.name, []).append(folder)
    for option in RULES:
        if folders := of_rule.get(option.name):
            first = summaries[folders[0]]["summarised_by"][option.name]
            before = f"another content of {option.flag}" if _is_digest(option) else None
            if before is None or first is None:
                before = format_typed(option, _restore(option, first))
            rule = format_typed(option, value_of(settings, option))
            raise HarkenError(
                f"the rule of this study is {rule}, but {len(folders):,} of {len(summaries):,} results were made "
                f"{_with(before)} ({folders[0].name}); apply the rules to "
                f"everybody: harken summarise {out}, and then repeat this command",
                path=out / STUDY_FILE,
            )


def _with(typed: str) -> str:
    return typed if typed.startswith("without ") else f"with {typed}"
