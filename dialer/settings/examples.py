"""Examples of every key of a campaign, for docs/campaigns.md and the editors' hints.

Each is a piece of YAML that would stand in a campaign as it is; a test loads every one, and
asks that no key is without. The words after `#` say when one would write it.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Key -> pieces of YAML.
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "name": ("name: spring-2027            # in reports and metrics; else the file's name",),
    "active": ("active: false                # not yet, or no longer; live calls go on",),
    "list": ("list: spring                 # dialer import FILE.csv --list spring",),
    "group": ("group: sales                 # one of groups: in dialer.yaml",),
    "pool": ("pool: cities                 # one of pools: in dialer.yaml",),
    "gateways": (
        "gateways: [carrier_a, carrier_b]   # carrier_b where carrier_a is down or full",
    ),
    "purpose": ("purpose: marketing           # as in the column consent_purpose of the list",),
    "consent": (
        "consent: required            # nobody without a consent for this purpose is called",
        'consent: {off: true, ground: "request through the site form, clause 3 of its text"}',
    ),
    "mode": (
        "mode: progressive            # one call per free operator: nobody ever waits for one",
        "mode: power                  # a fixed ratio, within the abandonment cap\nratio: 1.4",
    ),
    "ratio": (
        "mode: power\nratio: 1.4                   # seven calls for five free operators",
    ),
    "order": (
        "order: sequential            # top to bottom of the list",
        "order: priority              # by rules, see there\n"
        "rules: [{field: status, condition: equals, value: New, weight: 100}]",
    ),
    "rules": (
        "order: priority\n"
        "rules:                       # the weights of all that match are added\n"
        "  - {field: status, condition: equals, value: New, weight: 100}\n"
        "  - {field: source, condition: in, value: [Сайт, Вебинар], weight: 50}\n"
        "  - {field: tags, condition: contains, value: VIP, weight: 200}\n"
        "  - {field: fields.last_order, condition: above, value: 10000, weight: 80}\n"
        "  - {field: last_contact_at, condition: older_than_days, value: 90, weight: 70}\n"
        "  - {field: added_at, condition: newer_than_days, value: 1, weight: 500}\n"
        "  - {field: fields.complaint, condition: present, weight: -1000}",
    ),
    "windows": (
        "windows:                     # in the time of the called party\n"
        "  - {days: mon-fri, open: 9:00, close: 21:00}\n"
        "  - {days: [sat, sun], open: 10:00, close: 18:00}",
        "windows:                     # two windows a day: not at lunch\n"
        "  - {days: daily, open: 10:00, close: 12:30}\n"
        "  - {days: daily, open: 14:00, close: 19:00}",
    ),
    "holidays": (
        "holidays: RU                 # windows of Sundays hold on them\n"
        "windows: [{days: mon-fri, open: 9:00, close: 21:00}]",
    ),
    "default_zone": ("default_zone: Europe/Moscow  # of mobiles without a region",),
    "caps": ("caps: {per_day: 1, per_week: 2, per_month: 4, talks_per_day: 1}   # a shy list",),
    "rounds": (
        "rounds: {tries_per_day: 2, failed_rounds: 3, pause: 7d}   # three days, a week apart",
    ),
    "retry": ("retry: {busy: 10m, no_answer: 2h, unavailable: 4h, abandoned: 3d}",),
    "ring_timeout": ("ring_timeout: 20s            # four or five rings",),
    "silence": (
        "silence: 1500ms              # then the message begins, and it is an abandoned call",
    ),
    "message": ("message: shop/abandoned.wav  # under switch.sounds on the switch's machine",),
    "opt_out_key": (
        "opt_out_key: 9               # pressed in the message: never called again",
        "opt_out_key: off",
    ),
    "card": ("mode: preview\ncard: 2m                     # long histories to be read first",),
    "max_talk": ("max_talk: 45m                # a forgotten line is ended by the switch",),
    "abandonment": (
        "abandonment: {limit: 3 %, window: day, zone: Europe/Moscow}",
        "abandonment: {limit: 3 %, window: 30d, zone: America/New_York, spending: strict}",
    ),
    "persistence": (
        "persistence: {tries_per_talk: 20, instant_hang_ups_share: 25 %, opt_outs_share: 2 %}",
    ),
    "budget": (
        "budget: {calls: 5000}        # a day; {money: 3000} needs the gateways' prices",
    ),
    "preset": ("preset: ru-debt              # hours, holidays and 1/2/8 tries of 230-FZ",),
    "laxer": (
        "preset: ru-debt\ncaps: {per_day: 2}\n"
        'laxer: {caps.per_day: "counsel, letter of 3 November"}   # on whose word',
    ),
    "segment_windows": (
        "segment_windows:             # within the windows\n"
        "  pensioners: [{days: mon-fri, open: 9:00, close: 12:00}]",
    ),
    "record": ("record: true                 # recordings: of dialer.yaml says where",),
    "when_full": (
        "record: true\nwhen_full: stop_dialing      # a talk that is not recorded must not be",
    ),
    "announce": ("record: true\nannounce: recorded.wav       # heard as the talk begins",),
    "keep_recordings": ("record: true\nkeep_recordings: 90d",),
    "wrapup": ("wrapup: 45s                  # more than the group's, for a long form",),
    "share": (
        "share: 2                     # twice as many operators as a campaign with share 1",
    ),
    "priority": (
        "priority: 100                # hot leads before everything else of the group",
    ),
    "sticky": ("sticky: true                 # who calls back finds the number that he knows",),
}


def pieces(key: str) -> tuple[str, ...]:
    """The examples of a key; none for a key that is new and has none yet."""
    return EXAMPLES.get(key, ())
