"""Writes campaigns/demo.csv: 2,000 made-up contacts, duplicates of some, and a dirty tail.

Seeded: the same file every time (a test compares). The numbers are valid by the numbering
plan, but nobody's: 000 begins no subscriber's number.
Run: .venv/bin/python tools/make_demo_contacts.py
"""

from __future__ import annotations

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path

SEED = 20261124
CONTACTS = 2000
DUPLICATES = 15
FILE = Path(__file__).parent.parent / "campaigns" / "demo.csv"

HEADER = (
    "Телефон", "Телефон 2", "ФИО", "Регион", "Источник", "Дата добавления", "Статус", "Сегмент",
    "Теги", "Согласие", "Согласие цель", "Подтверждение согласия", "Версия согласия",
    "fields.last_order",
)  # fmt: skip
# Region, area code, weight: the demo's pool has a number in the first ten.
PLACES = (
    ("Москва", "495", 24), ("Санкт-Петербург", "812", 14), ("Новосибирская обл.", "383", 9),
    ("Свердловская обл.", "343", 8), ("Респ. Татарстан", "843", 7),
    ("Нижегородская обл.", "831", 6), ("Ростовская обл.", "863", 5),
    ("Краснодарский край", "861", 5), ("Самарская обл.", "846", 4),
    ("Калининградская обл.", "401", 3), ("Приморский край", "423", 5),
    ("Иркутская обл.", "395", 4), ("Пермский край", "342", 3), ("Омская обл.", "381", 3),
)  # fmt: skip
MOBILE_CODES = (
    "901",
    "903",
    "905",
    "909",
    "910",
    "912",
    "916",
    "921",
    "926",
    "950",
    "965",
    "981",
)
SOURCES = (("Сайт-визитка", 30), ("Вебинар", 20), ("Выставка", 15), ("Рекомендация", 10),
           ("Купленная база", 25))  # fmt: skip
SEGMENTS = ("Клиент_с_сайта", "Участник_вебинара", "Холодный_контакт")
SURNAMES = ("Иванов", "Петров", "Сидоров", "Кузнецов", "Смирнов", "Попов", "Волков", "Морозов",
            "Новиков", "Фёдоров", "Егоров", "Козлов", "Орлов", "Белов", "Зайцев")  # fmt: skip
NAMES = ("Алексей", "Борис", "Виктор", "Глеб", "Денис", "Евгений", "Илья", "Кирилл", "Лев",
         "Максим", "Николай", "Олег", "Пётр", "Роман", "Сергей", "Юрий")  # fmt: skip
FORMS = ("+7 {0} {1}-{2}-{3}", "8 ({0}) {1}-{2}-{3}", "7{0}{1}{2}{3}", "8{0}{1}{2}{3}",
         "{0}{1}{2}{3}", "+7{0}{1}{2}{3}")  # fmt: skip


def written(national: str, chance: random.Random) -> str:
    """Ten digits in one of the ways in which people write them."""
    parts = (national[:3], national[3:6], national[6:8], national[8:])
    return chance.choice(FORMS).format(*parts)


def contact(national: str, place: str, chance: random.Random) -> list[str]:
    """One good row."""
    source = chance.choices(SOURCES, weights=[weight for _, weight in SOURCES])[0][0]
    added = date(2024, 6, 1) + timedelta(days=chance.randrange(500))
    consented = chance.random() < 0.94
    second = ""
    if chance.random() < 0.15:
        second = written(
            f"{chance.choice(MOBILE_CODES)}0005{chance.randrange(1000):03}", chance
        )
    order = str(chance.randrange(500, 60000)) if chance.random() < 0.6 else ""
    return [
        written(national, chance),
        second,
        f"{chance.choice(SURNAMES)} {chance.choice(NAMES)}",
        place if chance.random() < 0.9 else "",
        source,
        added.strftime("%d.%m.%Y") if chance.random() < 0.5 else added.isoformat(),
        "New" if chance.random() < 0.85 else "В работе",
        chance.choice(SEGMENTS),
        "Холодный_контакт" if source == "Купленная база" else "",
        added.isoformat() if consented else "",
        "marketing" if consented else "",
        f"form-{chance.randrange(10**6):06}" if consented else "",
        "2025-09" if consented else "",
        order,
    ]


def contacts(chance: random.Random) -> list[list[str]]:
    """The good rows: a third landlines of the place, the others mobiles."""
    places = chance.choices(PLACES, weights=[weight for _, _, weight in PLACES], k=CONTACTS)
    rows = []
    taken: set[str] = set()
    for place, code, _ in places:
        while True:
            first = code if chance.random() < 0.35 else chance.choice(MOBILE_CODES)
            # 0000 to 0499 stay free for our own numbers, 5xxx for second phones.
            national = f"{first}000{chance.choice('12346789')}{chance.randrange(1000):03}"
            if national not in taken:
                break
        taken.add(national)
        rows.append(contact(national, place, chance))
    return rows


def duplicate(row: list[str], chance: random.Random) -> list[str]:
    """The same person again, the number written in another way."""
    digits = "".join(char for char in row[0] if char.isdigit())[-10:]
    return [written(digits, chance), *row[1:]]


# What real lists hold at their end, each wrong in its own way.
DIRTY = (
    "112;;Служба спасения;Москва;Купленная база;2025-03-01;New;;;;;;;",
    "+7916,sofia/gateway/x/900;;Взлом;Москва;Купленная база;2025-03-01;New;;;;;;;",
    "8 809 505 00 00;;Платный номер;;Купленная база;2025-03-01;New;;;;;;;",
    "8 800 000 01 01;;Горячая линия;;Купленная база;2025-03-01;New;;;;;;;",
    "+7 495 000-01-01;;Наш номер;Москва;Купленная база;2025-03-01;New;;;;;;;",
    "+7 701 000 12 34;;Казахстан;;Купленная база;2025-03-01;New;;;;;;;",
    "+7 840 200 12 34;;Абхазия;;Купленная база;2025-03-01;New;;;;;;;",
    "+44 20 7946 0958;;Лондон;;Купленная база;2025-03-01;New;;;;;;;",
    "+8816 1234 5678;;Спутник;;Купленная база;2025-03-01;New;;;;;;;",
    "49512345;;Короткий;Москва;Купленная база;2025-03-01;New;;;;;;;",
    "+7 495 000 12 34 56;;Длинный;Москва;Купленная база;2025-03-01;New;;;;;;;",
    "нет телефона;;Без номера;Москва;Купленная база;2025-03-01;New;;;;;;;",
    ";;Пустой номер;Москва;Купленная база;2025-03-01;New;;;;;;;",
    "7.9161E+10;;Из таблицы;Москва;Купленная база;2025-03-01;New;;;;;;;",
    "8 (916) 000-99-01;;Лишний столбец;Москва;Купленная;база;2025-03-01;New;;;;;;;;;лишнее",
    "8 (916) 000-99-02;;Мало столбцов;Москва",
    '8 (916) 000-99-03;;"Незакрытая кавычка;Москва;Купленная база;2025-03-01;New;;;;;;;',
    "8 (916) 000-99-04;;Странная дата;Москва;Купленная база;31.02.2025;New;;;;;;;",
    "8 (916) 000-99-05;;Странный статус;Москва;Купленная база;2025-03-01;Думает;;;;;;;",
    "8 (916) 000-99-06;;Согласие словом;Москва;Купленная база;2025-03-01;New;;;да;marketing;;;",
    "8 (000) 000-00-00;;Нет такого кода;Москва;Купленная база;2025-03-01;New;;;;;;;",
)


def demo_csv() -> str:
    """The whole file."""
    chance = random.Random(SEED)
    rows = contacts(chance)
    rows += [duplicate(row, chance) for row in chance.sample(rows, DUPLICATES)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    return text.getvalue() + "\n".join(DIRTY) + "\n"


if __name__ == "__main__":
    FILE.write_text(demo_csv(), encoding="utf-8")
