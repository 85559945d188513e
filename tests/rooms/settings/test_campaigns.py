"""If these fail, a campaign dials otherwise than its YAML says, or a mistake has no place."""

from datetime import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.base.priority import CONDITIONS
from dialer.core.model import (
    Abandonment,
    Campaign,
    CampaignName,
    Caps,
    Disposition,
    EarlyHangUps,
    GatewayName,
    GroupName,
    Mode,
    Order,
    PoolName,
    RecordingPlace,
    Rolling,
    Rounds,
    Rule,
    Spending,
    Tone,
    Uncertified,
    WhenFull,
    Window,
)
from dialer.settings.campaign_model import CONDITIONS as WRITTEN_CONDITIONS
from dialer.settings.campaign_model import CampaignModel
from dialer.settings.campaigns import campaign_of
from dialer.settings.scalars import DAY_NAMES, spoken
from dialer.settings.tree import parse
from dialer.settings.validate import validate
from tests.rooms.settings.written import CAMPAIGN, DAEMON, read, told

SPRING = "campaigns/spring.yaml"


def test_the_least_campaign_has_the_defaults_of_the_core(tmp_path):
    """Two sets of defaults would drift apart: core's count, the file only repeats them."""
    (campaign,) = read(tmp_path, spring=CAMPAIGN).campaigns
    assert campaign == Campaign(
        name=CampaignName("spring"),
        list_name="spring",
        group=GroupName("sales"),
        pool=PoolName("cities"),
        gateways=(GatewayName("carrier_a"),),
        purpose="marketing",
        revision=campaign.revision,
    )
    assert len(campaign.revision) == 16


def test_every_key_reaches_the_core(tmp_path):
    text = """\
name: spring_2026
active: false
list: Весна
group: sales
pool: cities
gateways: [carrier_b, carrier_a]
purpose: debt
consent: {off: true, ground: "contract, clause 4"}
mode: power
ratio: 1.5
order: priority
rules:
  - {field: status, condition: equals, value: New, weight: 100}
  - {field: fields.last_order, condition: above, value: 10000, weight: 80}
  - {field: source, condition: in, value: [Сайт-визитка, webinar], weight: 50}
  - {field: last_contact_at, condition: older_than_days, value: 30, weight: -7}
  - {field: tags, condition: absent, weight: 1}
windows:
  - {days: mon-fri, open: 9:00, close: "21:00"}
  - {days: [sat, sun], open: 10:30, close: 18:00}
  - {days: fri-mon, open: 19:00, close: 20:00}
holidays: RU
default_zone: Europe/Samara
segment_windows:
  pensioners: [{days: daily, open: 9:00, close: 12:00}]
caps: {per_day: 1, per_week: 2, per_month: 8, talks_per_day: 2, talks_per_week: 1,
       talks_per_month: 3, min_gap: 2h, rolling: [{count: tries, most: 3, within: 1d}],
       rest_after: {abandoned: 72h, talked: 7d}}
rounds: {tries_per_day: 1, failed_rounds: 5, pause: 1w 12h, dead_attempts: 4,
         uncharged_per_day: 9}
retry: {busy: 10m, no_answer: 2h, abandoned: 3d}
ring_timeout: 40s
silence: 1500ms
message: ru/abandoned.wav
max_talk: 1h 30m
abandonment: {limit: "2,5 %", window: 30d, zone: Asia/Omsk, spending: strict,
              early_hang_ups: abandoned, certify: 90 %, uncertified: progressive}
record: false
wrapup: 20s
share: 2.5
priority: -3
sticky: true
"""
    (campaign,) = read(tmp_path, spring=text).campaigns
    assert campaign == Campaign(
        name=CampaignName("spring_2026"),
        active=False,
        list_name="Весна",
        group=GroupName("sales"),
        pool=PoolName("cities"),
        gateways=(GatewayName("carrier_b"), GatewayName("carrier_a")),
        purpose="debt",
        consent_required=False,
        consent_ground="contract, clause 4",
        mode=Mode.POWER,
        ratio=1.5,
        order=Order.PRIORITY,
        rules=(
            Rule(field="status", condition="equals", value="New", weight=100),
            Rule(field="fields.last_order", condition="above", value=10000, weight=80),
            Rule(field="source", condition="in", value=("Сайт-визитка", "webinar"), weight=50),
            Rule(field="last_contact_at", condition="older_than_days", value=30, weight=-7),
            Rule(field="tags", condition="absent", value=None, weight=1),
        ),
        windows=(
            Window(frozenset({0, 1, 2, 3, 4}), time(9), time(21)),
            Window(frozenset({5, 6}), time(10, 30), time(18)),
            Window(frozenset({4, 5, 6, 0}), time(19), time(20)),
        ),
        holidays="RU",
        default_zone="Europe/Samara",
        segment_windows={"pensioners": (Window(frozenset(range(7)), time(9), time(12)),)},
        caps=Caps(
            per_day=1,
            per_week=2,
            per_month=8,
            talks_per_day=2,
            talks_per_week=1,
            talks_per_month=3,
            min_gap_s=7200.0,
            rolling=(Rolling("tries", 3, 24),),
            rest_s={Disposition.ABANDONED: 259200.0, Disposition.TALKED: 604800.0},
        ),
        rounds=Rounds(
            tries_per_day=1,
            failed_rounds=5,
            pause_s=7.5 * 86400,
            dead_attempts=4,
            uncharged_per_day=9,
        ),
        retry_s={
            Disposition.BUSY: 600.0,
            Disposition.NO_ANSWER: 7200.0,
            Disposition.ABANDONED: 259200.0,
        },
        ring_timeout_s=40,
        silence_ms=1500,
        message="ru/abandoned.wav",
        max_talk_s=5400,
        abandonment=Abandonment(
            limit=0.025,
            window="30d",
            zone="Asia/Omsk",
            spending=Spending.STRICT,
            early_hang_ups=EarlyHangUps.ABANDONED,
            certify=0.9,
            uncertified=Uncertified.PROGRESSIVE,
        ),
        record=False,
        wrapup_s=20.0,
        share=2.5,
        priority=-3,
        sticky=True,
        revision=campaign.revision,
    )


def test_a_cap_below_the_rounds_default_lowers_it(tmp_path):
    """The debt preset 1/2/8 must not need a second key to be consistent."""
    text = CAMPAIGN + "caps: {per_day: 1, per_week: 2}\n"
    (campaign,) = read(tmp_path, spring=text).campaigns
    assert campaign.rounds.tries_per_day == 1


def test_the_conditions_are_those_that_the_core_can_judge():
    assert set(WRITTEN_CONDITIONS) == CONDITIONS


def mistakes(file: str) -> list[tuple[str, str]]:
    """Pairs of what is written and the sentence that is told."""
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [
        (written, sentence.strip())
        for written, sentence in zip(lines[::2], lines[1::2], strict=True)
    ]


BAD = mistakes("mistakes.txt")
RULES = mistakes("mistakes_rules.txt")


@pytest.mark.parametrize(("line", "sentence"), BAD, ids=[line for line, _ in BAD])
def test_a_mistake_is_one_sentence_with_its_place(tmp_path, line, sentence):
    """Without place and remedy an engineer guesses, at night, while nothing is dialed."""
    text = CAMPAIGN + line.replace("; ", "\n") + "\n"
    assert told(tmp_path, spring=text) == [f"{SPRING}:{sentence}"]


@pytest.mark.parametrize(("rule", "sentence"), RULES, ids=[rule for rule, _ in RULES])
def test_a_rule_that_cannot_work_is_told(tmp_path, rule, sentence):
    """A rule with a typing error matches nobody: the day's order would be wrong, unseen."""
    text = f"{CAMPAIGN}order: priority\nrules:\n  - {rule}\n"
    assert told(tmp_path, spring=text) == [f"{SPRING}:{sentence}"]


def test_rules_without_their_order_are_told(tmp_path):
    rule = "rules: [{field: status, condition: equals, value: New, weight: 1}]\n"
    assert told(tmp_path, spring=CAMPAIGN + rule) == [
        f"{SPRING}:5:8: rules: are used by order: priority only (set the order)"
    ]


def test_names_that_do_not_exist_are_told_even_beside_other_mistakes(tmp_path):
    """All mistakes at once: an engineer must not restart a daemon once per mistake."""
    text = "list: spring\ngroup: sale\npool: citys\ngateways: [carrier_c]\nrecord: yes\n"
    assert told(tmp_path, spring=text) == [
        f"{SPRING}:1:1: purpose: is missing"
        " (what the call is for; consents are given for a purpose)",
        f"{SPRING}:2:8: group: there is no group 'sale' in dialer.yaml (did you mean 'sales'?)",
        f"{SPRING}:3:7: pool: there is no pool 'citys' in dialer.yaml (did you mean 'cities'?)",
        f"{SPRING}:4:12: gateways.0: there is no gateway 'carrier_c' in dialer.yaml"
        " (did you mean 'carrier_b'?)",
        f"{SPRING}:5:9: record: must be true or false",
    ]


def test_a_campaign_without_operators_is_told(tmp_path):
    """It would dial and abandon everyone who answers."""
    assert told(tmp_path, spring=CAMPAIGN.replace("sales", "empty")) == [
        f"{SPRING}:2:8: group: the group 'empty' has no operators: nobody could talk"
        " (give one 'groups: [empty]' under operators in dialer.yaml)"
    ]


def test_a_pool_that_no_gateway_of_the_campaign_may_show_is_told(tmp_path):
    assert told(tmp_path, spring=CAMPAIGN + "gateways: [carrier_b]\n") == [
        f"{SPRING}:5:11: gateways: none of them may show a number of the pool 'cities'"
        " (its numbers may be shown by: carrier_a)"
    ]


def test_a_pool_at_rest_is_told(tmp_path):
    daemon = DAEMON.replace('["+74950000101"]', '[{number: "+74950000101", state: resting}]')
    assert told(tmp_path, daemon, spring=CAMPAIGN) == [
        f"{SPRING}:3:7: pool: no number of the pool 'cities' is active (state: active)"
    ]


def test_a_number_as_a_name_is_looked_up_like_any_name(tmp_path):
    assert told(tmp_path, spring=CAMPAIGN.replace("cities", "7")) == [
        f"{SPRING}:3:7: pool: there is no pool '7' in dialer.yaml (there is only cities)"
    ]


def test_what_a_person_wrote_into_a_wrong_place_is_not_repeated(tmp_path):
    """Messages go to logs and tickets; a phone or a name must not travel with them."""
    secret = "+79161234567 Иванов"
    text = f"{CAMPAIGN}ring_timeout: '{secret}'\nwindows: '{secret}'\nshare: '{secret}'\n"
    found = "\n".join(told(tmp_path, spring=text))
    assert found.count(SPRING) == 3
    assert "7916" not in found and "Иванов" not in found


def test_hostile_keys_cannot_forge_lines_of_the_report(tmp_path):
    (found,) = told(tmp_path, spring=CAMPAIGN + '"x\\ncampaigns/other.yaml:1:1: \\e[2J": 1\n')
    assert "\n" not in found and "\x1b" not in found


def test_two_files_with_one_name_are_told(tmp_path):
    """The later one would silently take the first one's place in the ledger."""
    assert told(tmp_path, spring=CAMPAIGN, winter="name: spring\n" + CAMPAIGN) == [
        "campaigns/winter.yaml:1:7: name: campaigns/spring.yaml holds a campaign 'spring'"
        " already (each has a name of its own)"
    ]


durations = st.integers(60, 10**6).map(lambda whole: (spoken(whole), float(whole)))
whole = st.integers(-9, 9)
texts = st.text("абвгABC 123:#'\"-", min_size=1, max_size=20).filter(lambda t: t.strip() == t)


@st.composite
def rules(draw):
    field, condition, value = draw(
        st.one_of(
            st.tuples(st.just("source"), st.sampled_from(["equals", "not_equals"]), texts),
            st.tuples(st.just("fields.sum"), st.sampled_from(["above", "below"]), whole),
            st.tuples(
                st.just("region"), st.just("in"), st.lists(texts, min_size=1, max_size=3)
            ),
            st.tuples(st.just("added_at"), st.just("newer_than_days"), st.integers(-99, 99)),
        )
    )
    return {"field": field, "condition": condition, "value": value,
            "weight": draw(st.integers(-500_000, 500_000))}  # fmt: skip


@st.composite
def windows(draw):
    opens, closes = sorted(draw(st.sets(st.integers(0, 1439), min_size=2, max_size=2)))
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    return days, opens, closes


@given(
    name=texts,
    rules=st.lists(rules(), min_size=1, max_size=4),
    windows=st.lists(windows(), max_size=3),
    wrapup=st.integers(0, 3600),
    retry=st.dictionaries(
        st.sampled_from(["busy", "no_answer", "lost"]), durations, max_size=3
    ),
    cap=st.integers(1, 2000),
)
@settings(max_examples=80)
def test_any_campaign_that_is_written_is_read_back(name, rules, windows, wrapup, retry, cap):
    """Whatever a form or a person writes into YAML is what the core gets, to the last digit."""
    document = {
        "list": name, "group": "sales", "pool": "cities", "purpose": "p", "order": "priority",
        "rules": rules,
        "windows": [
            {"days": [DAY_NAMES[day] for day in days],
             "open": f"{opens // 60}:{opens % 60:02}",
             "close": f"{closes // 60}:{closes % 60:02}"}
            for days, opens, closes in windows
        ],
        "wrapup": f"{wrapup}s",
        "retry": {word: text for word, (text, _) in retry.items()},
        "abandonment": {"limit": f"{cap / 100:.2f} %"},
    }  # fmt: skip
    tree = parse(yaml.safe_dump(document, allow_unicode=True), "f.yaml")
    model, problems = validate(CampaignModel, tree)
    assert model is not None and not problems, problems
    campaign = campaign_of(model, name="x", gateways=["carrier_a"], revision="")
    assert campaign.list_name == name
    assert [
        {"field": rule.field, "condition": rule.condition, "weight": rule.weight,
         "value": list(rule.value) if isinstance(rule.value, tuple) else rule.value}
        for rule in campaign.rules
    ] == rules  # fmt: skip
    assert [
        (set(w.days), w.opens.hour * 60 + w.opens.minute, w.closes.hour * 60 + w.closes.minute)
        for w in campaign.windows
    ] == windows
    assert campaign.wrapup_s == wrapup
    assert campaign.retry_s == {Disposition(word): value for word, (_, value) in retry.items()}
    assert campaign.abandonment_cap == pytest.approx(cap / 10_000)


def test_a_recording_that_would_not_happen_is_refused(tmp_path):
    """Nobody says where: talks would be believed recorded."""
    problems = told(tmp_path, spring=CAMPAIGN + "record: true\n")
    assert problems == [
        "campaigns/spring.yaml:5:9: record: talks cannot be recorded: dialer.yaml does not say"
        " where (recordings: {folder: /var/lib/dialer/recordings})"
    ]


RECORDINGS = "recordings: {folder: /srv/rec, min_free: 500 MB, quota: 1.5 TB}\n"


def test_recording_is_said_per_campaign(tmp_path):
    text = CAMPAIGN + (
        "record: true\nwhen_full: stop_dialing\nannounce: ru/recorded.wav\n"
        "keep_recordings: 30d\nopt_out_key: 7\n"
    )
    loaded = read(tmp_path, DAEMON + RECORDINGS, spring=text)
    (campaign,) = loaded.campaigns
    assert (campaign.record, campaign.when_full) == (True, WhenFull.STOP_DIALING)
    assert (campaign.announce, campaign.keep_recordings_s) == ("ru/recorded.wav", 30 * 86400)
    assert campaign.opt_out_key == "7"
    place = loaded.settings.recordings
    assert place == RecordingPlace(
        folder="/srv/rec", min_free_bytes=500_000_000, quota_bytes=1_500_000_000_000
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("announce: a.wav", "announce: is for talks that are recorded (record: true)"),
        ("opt_out_key: 99", "opt_out_key: is not a key (one digit, like 9; or off)"),
        ("opt_out_key: '#'", "opt_out_key: is not a key (one digit, like 9; or off)"),
        ("keep_recordings: 30", "has no unit"),
        ("when_full: stop", "one of: go_on, stop_dialing"),
    ],
)
def test_what_is_wrong_about_recordings_is_said(tmp_path, line, said):
    problems = told(tmp_path, spring=CAMPAIGN + line + "\n")
    assert len(problems) == 1
    assert problems[0].startswith("campaigns/spring.yaml:5:")
    assert said in problems[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("recordings: {folder: rec}", "recordings.folder: is not a folder's whole path"),
        ("recordings: {folder: /srv/../etc}", "is not a folder's whole path"),
        ("recordings: {folder: '/srv/a b'}", "no spaces"),
        ("recordings: {folder: /srv/r, quota: 20}", "is not a size (like 500 MB, 20 GB"),
    ],
)
def test_a_folder_that_may_not_stand_in_a_command_is_refused(tmp_path, line, said):
    (problem,) = told(tmp_path, DAEMON + line + "\n")
    assert said in problem


@pytest.mark.parametrize(
    ("word", "tone"),
    [
        ("on", Tone()),
        ("off", None),
        ("1000 Hz 80ms", Tone(frequency_hz=1000, length_ms=80)),
    ],
)
def test_a_groups_beep(tmp_path, word, tone):
    daemon = DAEMON.replace("  sales:\n", f"  sales: {{beep: {word}}}\n")
    assert read(tmp_path, daemon).settings.groups[GroupName("sales")].beep == tone


def test_a_beep_that_no_telephone_carries_is_refused(tmp_path):
    daemon = DAEMON.replace("  sales:\n", "  sales: {beep: 9000 Hz 80ms}\n")
    (problem,) = told(tmp_path, daemon)
    assert "must be from 300 to 3000 Hz" in problem
