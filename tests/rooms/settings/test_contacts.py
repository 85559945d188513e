"""If these fail, contacts of a file are lost without a word, land in wrong columns, or one bad
row stops a million good ones."""

import itertools
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.model import Window
from dialer.errors import ConfigError
from dialer.ports import ImportedConsent, ImportRow, RejectedRow
from dialer.settings.columns import ColumnMapping, header_key, load_mapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader

MOSCOW = ZoneInfo("Europe/Moscow")


def opened(folder, data, mapping=None, name="list.csv"):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return open_contacts(path, mapping or ColumnMapping(), PhoneReader())


def rows_of(folder, data, mapping=None, name="list.csv"):
    return list(opened(folder, data, mapping, name).rows())


def refused(rows):
    return [(row.line, row.reason) for row in rows if isinstance(row, RejectedRow)]


def refusal_of_file(folder, data, mapping=None):
    with pytest.raises(ConfigError) as raised:
        opened(folder, data, mapping)
    (problem,) = raised.value.problems
    return str(problem).replace(f"{folder}/", "")


def test_every_column_reaches_its_place(tmp_path):
    header = (
        "Телефон;Телефон 2;ФИО;E-mail;Адрес;Комментарий;Город;Источник;Дата добавления;Статус;"
        "Сегмент;Теги;Удобное время;Согласие;Согласие цель;Подтверждение согласия;"
        "Версия согласия;Согласие до;fields.last_order;fields.end"
    )
    row = (
        "8 (916) 123-45-67;84951234567 доб. 12;Иванов Пётр;a@b.ru;ул. Мира, 1;звонить тихо;"
        "г. Казань;Сайт-визитка;24.11.2025 10:30;новый;site;Дорого, Перезвонить,Дорого;"
        "пн-пт 10:00-12:00; 01.02.2025;marketing;form-1;v2;2027-01-01;10 000,50;31.12.2026"
    ).replace("12:00; 01", "12:00;01")
    (found,) = rows_of(tmp_path, f"{header}\n{row}\n")
    assert isinstance(found, ImportRow)
    assert found._replace(phones=()) == ImportRow(
        line=2,
        phones=(),
        name="Иванов Пётр",
        email="a@b.ru",
        address="ул. Мира, 1",
        note="звонить тихо",
        region="Республика Татарстан",
        source="Сайт-визитка",
        added_at=datetime(2025, 11, 24, 10, 30, tzinfo=MOSCOW),
        status="New",
        segment="site",
        tags=("Дорого", "Перезвонить"),
        fields={"last_order": 10000.5, "end": "2026-12-31"},
        consent=ImportedConsent(
            "marketing",
            datetime(2025, 2, 1, tzinfo=MOSCOW),
            datetime(2027, 1, 1, tzinfo=MOSCOW),
            "v2",
            "form-1",
        ),
        windows=(Window(frozenset(range(5)), time(10), time(12)),),
    )
    assert [(p.digits, p.kind, p.region, p.extension) for p in found.phones] == [
        ("+79161234567", "mobile", "Республика Татарстан", None),
        ("+74951234567", "landline", "Москва", "12"),
    ]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_any_usual_export_is_read(tmp_path, delimiter, encoding, ending):
    lines = [["Телефон", "Имя", "Город"], ["89161234567", "Пётр", "Самара"]]
    text = ending.join(delimiter.join(cells) for cells in lines) + ending
    (row,) = rows_of(tmp_path, text.encode(encoding))
    assert (row.line, row.name, row.region) == (2, "Пётр", "Самарская область")
    assert row.phones[0].zones == ("Europe/Samara",)


def test_a_file_in_cp1251_is_found_out_even_late(tmp_path):
    """The first megabyte may be Latin: a guess from the beginning would spoil every name."""
    lines = ["phone;name"] + ["89161234567;Ivan"] * 70_000 + ["89161234568;Пётр"]
    path = tmp_path / "list.csv"
    path.write_bytes("\n".join(lines).encode("cp1251"))
    assert open_contacts(path, ColumnMapping(), PhoneReader()).encoding == "cp1251"


def test_one_bad_byte_does_not_make_a_utf8_file_cp1251(tmp_path):
    data = "phone;name\n89161234567;Пётр\n8916123".encode() + b"\xff" + "4568;Иван\n".encode()
    data += "89161234569;Олег\n".encode()
    rows = rows_of(tmp_path, data)
    assert [row.name for row in rows if isinstance(row, ImportRow)] == ["Пётр", "Олег"]
    assert refused(rows) == [(3, "holds a byte that is not UTF-8")]


def test_each_broken_row_costs_itself_only(tmp_path):
    """A million rows must not fail for one, and none may vanish unsaid."""
    text = (
        "phone;name;city\n"
        "89161234561;A;Москва\n"
        "89161234562;B\n"  # too few
        "89161234563;C;Москва;D\n"  # too many
        "89161234564;D;Москва;;;\n"  # spare delimiters only
        '89161234565;"E;Москва\n'  # an open quote
        "89161234566;F;Москва\n"
        '89161234567;"G"x;Москва\n'  # text behind a closed quote
        "\n"
        ";;\n"
        '89161234568;"H ""the great""\nof two lines";Москва\n'
        '89161234569;5" pipe;Москва\n'
        "8916\x001234560;I;Москва\n"
        "+7916,sofia/gateway/x/900;J;Москва\n"
        ";K;Москва\n"
        "89161234571;L;Москва"
    )
    rows = rows_of(tmp_path, text)
    names = [row.name for row in rows if isinstance(row, ImportRow)]
    assert names == ["A", "D", "F", 'H "the great"\nof two lines', '5" pipe', "L"]
    quote = "a quote is opened and not closed, or text follows a closed one"
    assert refused(rows) == [
        (3, "has 2 columns, not 3"),
        (4, "has 4 columns, not 3"),
        (6, quote),
        (8, quote),
        (14, "holds a zero byte"),
        (15, "phone holds characters that do not belong in a phone number"),
        (16, "has no phone"),
    ]
    assert [row.line for row in rows if isinstance(row, ImportRow)] == [2, 5, 7, 11, 13, 17]


def test_no_refusal_repeats_what_the_row_held(tmp_path):
    """The report of an import is mailed about: no number, no name in it."""
    text = (
        "phone;phone2;name;added;status;hours;consent_at;consent_purpose\n"
        "1234567;;Секретов;;;;;\n"
        "89161234567;7777;Секретов;;;;;\n"
        "89161234567;;Секретов;вчера;;;;\n"
        "89161234567;;Секретов;;думает;;;\n"
        "89161234567;;Секретов;;;утром;;\n"
        "89161234567;;Секретов;;;;да;x\n"
        "89161234567;;Секретов;;;;2025-01-01;\n"
        f"89161234567;;{'Секретов' * 100};;;;;\n"
    )
    rows = rows_of(tmp_path, text)
    assert refused(rows) == [
        (2, "phone is not a valid phone number"),
        (3, "phone2 is not a valid phone number; the row is taken over without it"),
        (4, "added is no date like 2026-11-24 or 24.11.2026"),
        (5, "status is none of New, In progress, Call-back, Decided, Refused, Inactive"),
        (6, "hours are not readable: like mon-fri 10:00-12:00"),
        (7, "consent_at is no date like 2026-11-24 or 24.11.2026"),
        (8, "the consent has no purpose"),
        (9, "name is longer than 500 characters"),
    ]
    assert [row.line for row in rows if isinstance(row, ImportRow)] == [3]


def test_several_phones_of_a_card_are_kept_in_their_order_once(tmp_path):
    text = (
        "phone2,phone10,name,phone\n"
        '84951234567,89161234560,A,"89161234567; 8 495 123-45-67 ;+7 916 123 45 68"\n'
    )
    (row,) = rows_of(tmp_path, text)
    assert [phone.digits for phone in row.phones] == [
        "+79161234567",
        "+74951234567",
        "+79161234568",
        "+79161234560",
    ]


def test_a_name_with_line_breaks_stays_data(tmp_path):
    """Hostile text is kept as the person's, without what would move a terminal's cursor."""
    name = '"Иван\r\nContent-Length: 0\r\n\r\n\x1b[2Japi hupall\u202e"'
    (row,) = rows_of(tmp_path, f"phone,name\n89161234567,{name}\n")
    assert row.name == "Иван\nContent-Length: 0\n\n[2Japi hupall"


def test_a_saved_mapping_says_what_columns_mean(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        "encoding: cp1251\ndelimiter: ';'\nzone: Asia/Omsk\n"
        "columns:\n  Контакт №: phone\n  Телефон: fields.office\n  Сумма: fields.sum\n"
        "  Согласен: consent_at\n  Паспорт: ignore\n"
        "constants: {consent_purpose: debt, source: CRM, fields.batch: 7}\n"
    )
    text = (
        "КОНТАКТ №;Телефон;Сумма;Согласен;Паспорт;Хобби;Имя\n"
        "89161234567;внутр. 12;007;2025-03-01 10:00;4509 123456;шахматы;Пётр\n"
    )
    file = opened(tmp_path, text.encode("cp1251"), load_mapping(path))
    (row,) = file.rows()
    assert isinstance(row, ImportRow)
    assert row.fields == {"office": "внутр. 12", "sum": "007", "batch": 7}
    assert (row.source, row.name) == ("CRM", "Пётр")
    assert row.consent is not None and row.consent.purpose == "debt"
    assert row.consent.given_at == datetime(2025, 3, 1, 4, tzinfo=UTC)
    # What nobody placed is not stored, and said.
    assert file.plan.ignored == ("Хобби",)


def test_a_file_without_header_is_mapped_by_number(tmp_path):
    mapping = ColumnMapping(header=False, columns={"1": "name", "3": "phone"})
    rows = rows_of(tmp_path, "Пётр;x;89161234567\nИван;y;89161234568\n", mapping)
    assert [(row.line, row.name) for row in rows] == [(1, "Пётр"), (2, "Иван")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "list.csv: holds no rows"),
        ("\n\n", "list.csv: holds no rows"),
        ("имя;город\nПётр;Омск\n", "list.csv:1: no column is a phone; the first line says"
         " 'имя', 'город' (name it 'phone', or map it: columns: {HEADER: phone})"),
        ("Пётр;89161234567;89161234568\n", "list.csv:1: the first line is a row, not the"
         " columns' names (header: false)"),
        ("phone;consent_at\n", "list.csv:1: has consents but not what they are for (map"
         " consent_purpose, or constants: {consent_purpose: marketing})"),
        ("phone\r89161234567\r", "list.csv: ends its lines in an old way (save it with LF or"
         " CRLF)"),
        ("phone\n".encode("utf-16"), "list.csv: is UTF-16 (save it as CSV UTF-8)"),
        (b"\x00\x01;phone\n", "list.csv:1: the first line holds a zero byte"),
        ('"phone\n89161234567\n', "list.csv:1: the first line is not a row (it must name the"
         " columns)"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, text, sentence):
    assert refusal_of_file(tmp_path, text) == sentence


def test_a_column_that_the_mapping_names_must_be_there(tmp_path):
    """A renamed column in next month's export must not import a list without consents."""
    mapping = ColumnMapping(columns={"Согласен": "consent_at"})
    told = refusal_of_file(tmp_path, "phone\n89161234567\n", mapping)
    assert told == "list.csv:1: has no column 'Согласен' (correct the mapping)"


def test_mistakes_in_a_mapping_are_told_with_their_place(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("delimiter: ':'\ncolumns:\n  a: fone\n  b: fields.x y\n")
    with pytest.raises(ConfigError) as raised:
        load_mapping(path)
    assert str(raised.value).replace(f"{tmp_path}/", "").splitlines() == [
        "m.yaml:1:12: delimiter: is not a delimiter (auto, tab, ';', ',' or '|')",
        "m.yaml:3:6: columns.a: is no meaning of a column (did you mean 'phone'?)",
        "m.yaml:4:6: columns.b: is no meaning of a column (did you mean 'fields.NAME'?)",
    ]
    path.write_text("columns:\n  a: phone\n  b: phone\n")
    with pytest.raises(ConfigError) as raised:
        load_mapping(path)
    assert str(raised.value).endswith(
        "m.yaml:3:6: columns.b: 'phone' is already the meaning of 'a'"
    )


def test_json_lines_are_rows_too(tmp_path):
    objects = [
        {"phone": 79161234567, "name": "Пётр", "tags": ["a", "b"], "fields.sum": 10000.5},
        {"phone": ["89161234568", "84951234567"], "name": None, "extra": True},
    ]
    lines = [orjson.dumps(item) for item in objects]
    lines += [b"{broken", b"[1]", b'{"phone": {"a": 1}}', b""]
    rows = rows_of(tmp_path, b"\n".join(lines), name="list.jsonl")
    first, second = rows[:2]
    assert (first.name, first.tags, first.fields) == ("Пётр", ("a", "b"), {"sum": 10000.5})
    assert [phone.digits for phone in second.phones] == ["+79161234568", "+74951234567"]
    assert refused(rows) == [
        (3, "is not JSON"),
        (4, "is not a JSON object"),
        (5, "holds a nested value"),
    ]


def test_reading_is_a_stream(tmp_path):
    """A list of millions is read in the memory of one row, and its progress is seen."""
    path = tmp_path / "list.csv"
    path.write_text("phone\n" + "89161234567\n" * 50_000)
    file = open_contacts(path, ColumnMapping(), PhoneReader())
    rows = file.rows()
    first = list(itertools.islice(rows, 10))
    assert len(first) == 10 and file.position_bytes < 2000
    assert sum(1 for _ in rows) == 49_990
    assert file.position_bytes == file.size_bytes == path.stat().st_size


def test_a_line_without_end_is_not_loaded_whole(tmp_path):
    data = b"phone;name\n89161234567;A\n" + b"x" * 3_000_000 + b"\n89161234568;B\n"
    rows = rows_of(tmp_path, data)
    assert [row.name for row in rows if isinstance(row, ImportRow)] == ["A", "B"]
    assert refused(rows) == [(3, "is longer than 256 KiB")]


@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_header_is_compared_without_fault(headers):
    for header in headers:
        assert header_key(header) == header_key(header.upper().lower()) or header


cells = st.text("абв ;,\"\n'x", max_size=8)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
@settings(max_examples=80)
def test_what_the_csv_writer_writes_is_read_back(tmp_path_factory, table):
    """Names with quotes, delimiters and line breaks come through an export whole."""
    import csv

    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(["phone", "name", "note"])
        writer.writerows(["89161234567", name, note] for name, note in table)
    rows = list(open_contacts(path, ColumnMapping(), PhoneReader()).rows())
    assert [(row.name, row.note) for row in rows if isinstance(row, ImportRow)] == [
        (name.strip() or None, note.strip() or None) for name, note in table
    ]


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_no_file_whatever_raises_anything_else(tmp_path_factory, data):
    """A stranger's file ends in rows, refusals or one sentence, never in a traceback."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"phone;name;fields.x\n" + data)
    try:
        rows = list(open_contacts(path, ColumnMapping(), PhoneReader()).rows())
    except ConfigError:
        return
    assert all(isinstance(row, ImportRow | RejectedRow) for row in rows)
