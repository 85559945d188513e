"""If these fail, a daemon starts with other limits or addresses than its file says, starts half
configured, or tells a secret."""

from datetime import date

import pytest

from dialer.core.model import Strategy
from dialer.core.permission.destinations import HOME_RU
from dialer.errors import ConfigError
from dialer.settings.daemon_model import Listen
from dialer.settings.loading import load
from tests.rooms.settings.written import CAMPAIGN, DAEMON, ENVIRONMENT, lay, read, told


def settings_of(folder, daemon=DAEMON, **environ):
    path = lay(folder, daemon)
    return load(path, environ={**ENVIRONMENT, **environ}).settings


def pool(text):
    """The daemon's file with another pool."""
    return DAEMON.replace('    numbers: ["+74950000101"]\n', text)


def test_the_least_file_has_safe_defaults(tmp_path):
    settings = settings_of(tmp_path)
    assert (settings.switch.host, settings.switch.port) == ("127.0.0.1", 8021)
    assert settings.switch.password == "ClueCon"
    assert settings.switch.wake_ms == 2
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.postgresql_dsn == "dbname=dialer"
    assert settings.http_listen == Listen("127.0.0.1", 9464)
    assert settings.destinations == HOME_RU
    (number,) = settings.numbers
    assert (number.soft_limit, number.hard_limit) == (70, 80)
    assert settings.operators["anna"].groups == {"sales": 1}
    assert settings.groups["sales"].strategy is Strategy.LONGEST_IDLE


def test_a_number_takes_region_zone_and_kind_from_its_code(tmp_path):
    """The day of a number begins at its own midnight: a wrong zone breaks the hard limit."""
    text = '    numbers: ["+74010000101", "+78450000101", "+79000000101", "+74960000101"]\n'
    numbers = settings_of(tmp_path, pool(text)).numbers
    assert [(n.kind, n.region, n.zone) for n in numbers] == [
        ("landline", "Калининградская область", "Europe/Kaliningrad"),
        ("landline", "Саратовская область", "Europe/Saratov"),
        ("mobile", None, "Europe/Moscow"),
        ("landline", "Московская область", "Europe/Moscow"),
    ]


def test_the_nearest_word_on_a_limit_counts(tmp_path):
    """Number before pool before kind before default: else a SIM dials more than it may."""
    text = """\
    hard_limit: 60
    soft_limit: 50
    numbers:
      - "+74950000101"
      - {number: "+74950000102", hard_limit: 30, soft_limit: 20, min_gap: 5s}
      - {number: "+74950000103", calls_at_once: 2, region: г. Казань, state: quarantined}
number_kinds:
  landline: {hard_limit: 10, soft_limit: 5, calls_per_hour: 9, calls_at_once: 1, min_gap: 1m}
"""
    first, second, third = settings_of(tmp_path, pool(text)).numbers
    assert (first.soft_limit, first.hard_limit, first.calls_per_hour) == (50, 60, 9)
    assert (first.calls_at_once, first.min_gap_s) == (1, 60.0)
    assert (second.soft_limit, second.hard_limit, second.min_gap_s) == (20, 30, 5.0)
    assert (third.calls_at_once, third.region, third.state) == (
        2,
        "Республика Татарстан",
        "quarantined",
    )


def test_only_a_hard_limit_lowers_the_default_soft_one(tmp_path):
    text = '    hard_limit: 40\n    numbers: ["+74950000101"]\n'
    (number,) = settings_of(tmp_path, pool(text)).numbers
    assert (number.soft_limit, number.hard_limit) == (40, 40)


def test_a_range_is_every_number_in_it(tmp_path):
    text = '    numbers: ["+79000000098..+79000000101"]\n'
    numbers = settings_of(tmp_path, pool(text)).numbers
    assert [number.id for number in numbers] == [f"+790000{n:05}" for n in range(98, 102)]


def test_own_numbers_include_those_that_only_take_calls(tmp_path):
    """Own numbers are never dialed: a campaign must not call its own queue."""
    settings = settings_of(tmp_path, DAEMON + 'inbound_numbers: ["+78000000101"]\n')
    assert settings.own_numbers == {"+74950000101", "+78000000101"}


def test_operators_find_their_endpoint_and_place(tmp_path):
    daemon = DAEMON + (
        "  boris: {extension: 102, groups: {sales: 3, empty: 1}}\nswitch: {domain: pbx.test}\n"
    )
    boris = settings_of(tmp_path, daemon).operators["boris"]
    assert (boris.endpoint, boris.extension) == ("user/102@pbx.test", "102")
    assert boris.groups == {"sales": 3, "empty": 1}


def test_own_days_change_the_calendar(tmp_path):
    """A moved day off that nobody enters is a day of unlawful calls."""
    daemon = DAEMON + "calendar: {RU: {add: [2026-06-15], remove: [2026-06-12]}}\n"
    days = settings_of(tmp_path, daemon).calendar.holidays("RU", [2026])
    assert date(2026, 6, 15) in days
    assert date(2026, 6, 12) not in days
    assert date(2026, 1, 1) in days
    assert date(2026, 1, 9) in days  # moved there by decree
    assert all(day.year == 2026 for day in days)


MISTAKES = [
    ("switch: {password: ClueCon}", "14:10: switch.password: a secret must not stand in the"
     " file (name where it is kept: password_env or password_file)"),
    ("redis: {url: 'redis://:s3cret@h/0'}", "14:14: redis.url: a password must not stand in the"
     " file (keep it in a file or variable: url_file or url_env)"),
    ("postgresql: {dsn: host=h password=s3cret}", "14:19: postgresql.dsn: a password must not"
     " stand in the file (keep it in a file or variable: dsn_file or dsn_env)"),
    ("postgresql: {dsn: 'postgresql://u:s3cret@h/d'}", "14:19: postgresql.dsn: a password must"
     " not stand in the file (keep it in a file or variable: dsn_file or dsn_env)"),
    ("redis: {url_env: NOT_SET}", "14:18: redis.url_env: the environment variable NOT_SET is"
     " not set"),
    ("redis: {url_env: A, url_file: b}", "14:31: redis.url_file: and url_env are both given"
     " (keep one of them)"),
    ("postgresql: {dsn_file: none.txt}", "14:24: postgresql.dsn_file: cannot be read: No such"
     " file or directory (looked for none.txt)"),
    ("redis: {url: 'http://h'}", "14:8: redis: the url is none of Redis (redis://HOST:PORT/0)"),
    ("http: {listen: 9464}", "14:16: http.listen: is not an address to listen on (like"
     " 127.0.0.1:9464)"),
    ("switch: {port: '8021'}", "14:16: switch.port: must be a whole number (from 1 to 65535,"
     " without quotes)"),
    ("switch: {wake: 50ms}", "14:16: switch.wake: must be at most 20ms"),
    ("log: {level: verbose}", "14:14: log.level: 'verbose' is not known here (one of: debug,"
     " error, info, warning)"),
    ("destinations: ['74']", "14:16: destinations.0: is not a prefix (like \"+74\")"),
    ("calendar: {RU: {add: [tomorrow]}}", "14:23: calendar.RU.add.0: is not a date (like"
     " 2027-01-04)"),
    ("campaigns: nowhere", "14:12: campaigns: there is no such file or folder (looked for"
     " nowhere)"),
    ("campaign_defaults: {list: x}", "14:27: campaign_defaults.list: every campaign has its own"
     " (take it out)"),
    ("tags: none.yaml", "14:7: tags: there is no such file (looked for none.yaml)"),
    ("inbound_numbers: [84950000101]", "14:19: inbound_numbers.0: is not a number of ours in"
     " E.164 (like \"+74951230001\")"),
    ("inbound_numbers: ['+74950000101']", "8:15: pools.cities.numbers.0: +74950000101 stands in"
     " inbound_numbers already (a number belongs to one pool, once)"),
    ("gatewys: {}", "14:1: gatewys: unknown key (did you mean 'gateways'?)"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "sentence"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_sentence_with_its_place(tmp_path, line, sentence):
    found = told(tmp_path, f"{DAEMON}{line}\n")
    assert found == [f"dialer.yaml:{sentence}"]
    assert "s3cret" not in found[0]


POOLS = [
    ("    numbers: ['+7495000010']\n    gateway: [a]\n",
     ["9:5: pools.cities.gateway: unknown key (did you mean 'gateways'?)"]),
    ("    numbers: ['+749500']\n", ["8:15: pools.cities.numbers.0.number: is not a number of"
     " ours in E.164 (like \"+74951230001\")"]),
    ("    numbers: [+74950000101..+74950000001]\n", ["8:15: pools.cities.numbers.0: is not a"
     " range of numbers (first..last, at most 10000)"]),
    ("    numbers: [74950000101]\n", ["8:15: pools.cities.numbers.0: is not a number of ours"
     " (like \"+74951230001\", in quotes)"]),
    ("    numbers: ['+78000000101']\n", ["8:15: pools.cities.numbers.0: +78000000101 is"
     " toll_free: it only takes calls (list it under inbound_numbers)"]),
    ("    numbers: ['+74950000101', {number: '+74950000101'}]\n", ["8:31: pools.cities.numbers"
     ".1: +74950000101 stands in cities already (a number belongs to one pool, once)"]),
    ("    numbers: [{number: '+74950000101', gateways: [carrier_x]}]\n", ["8:51: pools.cities"
     ".numbers.0.gateways.0: there is no gateway carrier_x (did you mean 'carrier_b'?)"]),
    ("    soft_limit: 90\n    hard_limit: 80\n    numbers: ['+74950000101']\n", ["9:17: pools"
     ".cities.hard_limit: is 80, below the soft limit of 90 (soft ≤ hard)"]),
    ("    soft_limit: 50\n    numbers: [{number: '+74950000101', hard_limit: 40}]\n", ["9:15:"
     " pools.cities.numbers.0: its soft limit of 50 is above the hard one of 40 (soft ≤ hard; a"
     " number's own word counts before its pool's and its kind's)"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentences"), POOLS, ids=[sent[0] for _, sent in POOLS])
def test_a_mistake_in_a_pool_is_told(tmp_path, text, sentences):
    """A number shown by mistake costs it its reputation, or shows somebody else's."""
    assert told(tmp_path, pool(text)) == [f"dialer.yaml:{sentence}" for sentence in sentences]


def test_mistakes_among_operators_are_all_told(tmp_path):
    daemon = DAEMON + (
        "  boris: {extension: 101, endpoint: user/101@pbx.example, groups: [salse]}\n"
        "  vera: {extension: 103, groups: [sales]}\n"
        "  gleb: {extension: 104, endpoint: 'sofia/gateway/x/900', groups: [sales]}\n"
    )
    assert told(tmp_path, daemon) == [
        "dialer.yaml:16:36: operators.gleb.endpoint: is not an endpoint"
        " (like user/101@pbx.example)"
    ]
    assert told(tmp_path, daemon.replace("sofia/gateway/x/900", "user/104@pbx.example")) == [
        "dialer.yaml:14:22: operators.boris.extension: 101 is also the extension of anna",
        "dialer.yaml:14:68: operators.boris.groups.0: there is no group salse"
        " (did you mean 'sales'?)",
        "dialer.yaml:15:9: operators.vera: no endpoint is given"
        " (endpoint: user/103@DOMAIN, or switch: domain for all)",
    ]


def test_secrets_come_from_files_and_variables(tmp_path):
    (tmp_path / "switch.password").write_text("from a file\n")
    daemon = DAEMON + (
        "switch: {password_file: switch.password}\n"
        "redis: {url_env: OUR_REDIS}\npostgresql: {dsn_env: OUR_DSN}\n"
    )
    path = lay(tmp_path, daemon)
    environ = {"OUR_REDIS": "rediss://:pw@cache/1", "OUR_DSN": "host=db password=pw"}
    settings = load(path, environ=environ).settings
    assert settings.switch.password == "from a file"
    assert settings.redis_url == "rediss://:pw@cache/1"
    assert settings.postgresql_dsn == "host=db password=pw"
    assert "pw" not in repr(settings) and "from a file" not in repr(settings)


def test_the_environment_counts_before_the_file(tmp_path):
    """The demo and a second daemon use the same file on other ports, unchanged."""
    settings = settings_of(
        tmp_path,
        DAEMON + "switch: {host: a, port: 1}\nredis: {url: 'redis://a/0'}\n",
        DIALER_NAME="dialer2",
        DIALER_SWITCH_HOST="127.0.0.2",
        DIALER_SWITCH_PORT="18021",
        DIALER_REDIS_URL="redis://:x@127.0.0.1:1/0",
        DIALER_POSTGRESQL_DSN="host=127.0.0.1 port=1 password=y",
        DIALER_HTTP_LISTEN="127.0.0.1:19464",
    )
    assert settings.instance == "dialer2"
    assert (settings.switch.host, settings.switch.port) == ("127.0.0.2", 18021)
    assert settings.redis_url == "redis://:x@127.0.0.1:1/0"
    assert settings.postgresql_dsn == "host=127.0.0.1 port=1 password=y"
    assert settings.http_listen == Listen("127.0.0.1", 19464)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("DIALER_SWITCH_PORT", "99999", "holds no port (like 8021)"),
        ("DIALER_SWITCH_PORT", "٣", "holds no port (like 8021)"),
        ("DIALER_HTTP_LISTEN", "here", "holds no address (like 127.0.0.1:9464)"),
        ("DIALER_NAME", "a b", "holds no name (like dialer1)"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path, variable, value, sentence):
    with pytest.raises(ConfigError) as raised:
        settings_of(tmp_path, **{variable: value})
    assert str(raised.value) == f"environment variable {variable}: {sentence}"


def test_a_missing_password_is_told_where_it_is_needed_only(tmp_path):
    """`dialer check` on a laptop must judge the file, not the laptop."""
    path = lay(tmp_path)
    with pytest.raises(ConfigError) as raised:
        load(path, environ={})
    assert str(raised.value).endswith(
        "switch: no password is given (set the variable DIALER_SWITCH_PASSWORD, or switch:"
        " password_env or password_file)"
    )
    assert load(path, environ={}, secrets_needed=False).settings.switch.password == ""


def test_all_mistakes_of_all_files_come_at_once_in_order(tmp_path):
    """One run, one list: nothing is half loaded."""
    daemon = DAEMON.replace("calls_per_s: 5", "calls_per_s: many", 1) + "log: {level: loud}\n"
    winter = CAMPAIGN + "sticky: maybe\n"
    assert told(tmp_path, daemon, spring="list: x\n  y: 1\n", winter=winter) == [
        "dialer.yaml:3:28: gateways.carrier_a.calls_per_s: must be a number"
        " (from 0.01 to 10000, without quotes)",
        "dialer.yaml:14:14: log.level: 'loud' is not known here"
        " (one of: debug, error, info, warning)",
        "campaigns/spring.yaml:2:4: a second colon on the line, or a wrong indentation"
        " (text that holds ': ' needs quotes; keys of one mapping, and dashes of one list,"
        " begin in one column)",
        "campaigns/winter.yaml:5:9: sticky: must be true or false",
    ]


def test_defaults_for_all_campaigns_count_where_one_says_nothing(tmp_path):
    daemon = DAEMON + "campaign_defaults: {ring_timeout: 40s, sticky: true}\n"
    loaded = read(tmp_path, daemon, a=CAMPAIGN, b=CAMPAIGN + "ring_timeout: 20s\n")
    assert [(c.name, c.ring_timeout_s, c.sticky) for c in loaded.campaigns] == [
        ("a", 40, True),
        ("b", 20, True),
    ]
    before = loaded.campaigns[0].revision
    changed = read(tmp_path, daemon.replace("40s", "41s"), a=CAMPAIGN)
    assert changed.campaigns[0].revision != before


def test_a_mistake_in_the_defaults_is_told_once_at_its_place(tmp_path):
    daemon = DAEMON + "campaign_defaults: {ring_timeout: 40}\n"
    assert told(tmp_path, daemon, a=CAMPAIGN, b=CAMPAIGN) == [
        "dialer.yaml:14:35: ring_timeout: has no unit (say what 40 is: 40s, 40m, 40h?)"
    ]


def test_named_campaign_files_stand_in_for_the_folder(tmp_path):
    """`dialer demo --campaign F` rehearses that file and nothing else."""
    path = lay(tmp_path, spring=CAMPAIGN + "broken: 1\n")
    other = tmp_path / "other.yaml"
    other.write_text(CAMPAIGN)
    loaded = load(path, campaign_files=[other], environ=ENVIRONMENT)
    assert [campaign.name for campaign in loaded.campaigns] == ["other"]


def test_the_same_files_give_the_same_value(tmp_path):
    """A reload without a change must change nothing."""
    assert read(tmp_path, a=CAMPAIGN) == read(tmp_path, a=CAMPAIGN)


def test_an_unreadable_file_is_told_alone(tmp_path):
    """What follows from the first mistake only hides it."""
    assert told(tmp_path, "name: a\n- x\n") == [
        "dialer.yaml:2:1: the indentation does not fit the lines above"
        " (keys of one mapping, and dashes of one list, begin in one column)"
    ]
