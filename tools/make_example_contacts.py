"""Writes the small lists beside the campaigns to copy: campaigns/{bought_list,...}.csv.

Made up and seeded: the same files every time (a test compares). 000 begins no subscriber's
number. Dates are seen from a fixed day, so rules that ask for "newer than" fit a list of that
day; the header words are those that a Russian CRM writes.
Run: .venv/bin/python tools/make_example_contacts.py
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "campaigns"
TODAY = date(2026, 11, 24)
SEED = 20261125
PLACES = (
    ("Москва", "495"), ("Санкт-Петербург", "812"), ("Новосибирская обл.", "383"),
    ("Свердловская обл.", "343"), ("Самарская обл.", "846"), ("Краснодарский край", "861"),
)  # fmt: skip
MOBILE_CODES = ("903", "909", "916", "921", "926", "950", "965")
SURNAMES = ("Иванов", "Петров", "Сидоров", "Кузнецов", "Смирнов", "Попов", "Волков", "Морозов")
NAMES = ("Алексей", "Борис", "Виктор", "Глеб", "Денис", "Евгений", "Илья", "Кирилл")

Row = list[str]
PERSON = ("Телефон", "ФИО", "Регион")
CONSENT = ("Согласие", "Согласие цель", "Подтверждение согласия")


def person(chance: random.Random, number: int) -> Row:
    place, code = chance.choice(PLACES)
    if chance.random() < 0.7:
        code = chance.choice(MOBILE_CODES)
    name = f"{chance.choice(SURNAMES)} {chance.choice(NAMES)}"
    return [f"+7 {code} 000-{number // 100:02}-{number % 100:02}", name, place]


def ago(chance: random.Random, least: int, most: int) -> str:
    return (TODAY - timedelta(days=chance.randint(least, most))).isoformat()


def bought(chance: random.Random, number: int) -> Row:
    """One in eight without a consent, as sellers deliver."""
    consent = [ago(chance, 20, 300), "marketing", f"anketa-{chance.randrange(10**6):06}"]
    if number % 8 == 0:
        consent = ["", "", ""]
    return [*person(chance, number), chance.choice(("Свежий", "Прошлогодний")), *consent]


def lead(chance: random.Random, number: int) -> Row:
    added = ago(chance, 0, 5)
    basket = str(chance.randrange(500, 40000)) if chance.random() < 0.6 else ""
    tags = "Назначить_демо" if chance.random() < 0.3 else ""
    return [
        *person(chance, number),
        added,
        tags,
        basket,
        added,
        "marketing",
        f"form-{number:05}",
    ]


def sleeping(chance: random.Random, number: int) -> Row:
    status = "Refused" if chance.random() < 0.1 else "Inactive"
    talked = ago(chance, 90, 190)
    order = str(chance.randrange(1000, 90000))
    return [
        *person(chance, number), status, talked, order,
        ago(chance, 200, 700), "marketing", f"contract-{number:05}",
    ]  # fmt: skip


def missed(chance: random.Random, number: int) -> Row:
    segment = "Второй_звонок" if chance.random() < 0.25 else ""
    return [*person(chance, number), ago(chance, 0, 1), segment]


LISTS: dict[str, tuple[int, Sequence[str], Callable[[random.Random, int], Row]]] = {
    "bought_list": (60, (*PERSON, "Сегмент", *CONSENT), bought),
    "site_leads": (40, (*PERSON, "Дата добавления", "Теги", "fields.basket", *CONSENT), lead),
    "reactivation": (
        60,
        (*PERSON, "Статус", "fields.last_talk", "fields.last_order", *CONSENT),
        sleeping,
    ),
    "missed_calls": (30, (*PERSON, "Дата добавления", "Сегмент"), missed),
}


def documents() -> dict[str, str]:
    """File name -> its whole text."""
    texts = {}
    first = 1  # nobody is on two lists
    for name, (count, header, row) in LISTS.items():
        chance = random.Random(f"{SEED} {name}")
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(row(chance, number) for number in range(first, first + count))
        first += count
        texts[f"{name}.csv"] = out.getvalue()
    return texts


def main() -> None:
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
