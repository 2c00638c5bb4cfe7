import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.base import IncomingText
from messaging.twilio_forms import NotTwilio, StatusUpdate, clean, incoming_text, status_update

FORM = {
    "MessageSid": ["SM1"],
    "AccountSid": ["AC1"],
    "From": ["+447700900001"],
    "To": ["+447700900999"],
    "Body": ["hello\nthere"],
    "NumMedia": ["0"],
}
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def test_a_text_by_sms() -> None:
    assert incoming_text(FORM) == IncomingText(
        channel="sms",
        account="AC1",
        provider_id="SM1",
        from_address="+447700900001",
        to_address="+447700900999",
        text="hello\nthere",
        media=(),
        raw={name: values[0] for name, values in FORM.items()},
    )


@pytest.mark.parametrize("prefix", ["whatsapp:", "WhatsApp:"])
def test_a_whatsapp_message_loses_the_prefix_but_not_in_raw(prefix: str) -> None:
    text = incoming_text({**FORM, "From": [f"{prefix}+447700900001"], "To": [f"{prefix}+447700900999"]})
    assert (text.channel, text.from_address, text.to_address) == (
        "whatsapp",
        "+447700900001",
        "+447700900999",
    )
    assert text.raw["From"] == f"{prefix}+447700900001"


@pytest.mark.parametrize("field", ["MessageSid", "AccountSid", "From"])
@pytest.mark.parametrize("values", [None, [], [""], [" \t"], ["x" * 121]])
def test_what_makes_a_text_twilios_must_be_there(field: str, values: list[str] | None) -> None:
    form = {n: v for n, v in FORM.items() if n != field}
    if values is not None:
        form[field] = values
    with pytest.raises(NotTwilio) as raised:
        incoming_text(form)
    assert raised.value.field == field
    assert "+44" not in str(raised.value)


def test_no_body_and_no_receiver_are_an_empty_text() -> None:
    text = incoming_text({n: v for n, v in FORM.items() if n not in {"Body", "To"}})
    assert (text.text, text.to_address) == ("", "")


def test_nul_and_lone_surrogates_become_replacement_characters_everywhere() -> None:
    form = {**FORM, "Body": ["a\x00b\ud83dc\tz\x01"], "N\x00w": ["\udfff"], "MessageSid": ["SM\x001"]}
    text = incoming_text(form)
    assert text.text == "a\ufffdb\ufffdc\tz\x01"
    assert text.raw["N\ufffdw"] == "\ufffd"
    assert text.provider_id == "SM\ufffd1"


def test_whole_emoji_stay() -> None:
    assert clean("👍🏽 é") == "👍🏽 é"


@pytest.mark.parametrize("count", ["2", "0", "-1", "x", "", "99999999999999999999", "2.0", "٢"])
def test_media_are_taken_whatever_the_count_says(count: str) -> None:
    form = {
        **FORM,
        "NumMedia": [count],
        "MediaUrl1": ["https://api.example/1"],
        "MediaUrl0": ["https://api.example/0"],
        "MediaContentType0": ["image/jpeg"],
        "MediaUrl": ["x"],
        "MediaUrlx": ["x"],
        "MediaUrl99999999": ["x"],
        "MediaUrl2": [""],
    }
    assert incoming_text(form).media == (
        {"url": "https://api.example/0", "content_type": "image/jpeg"},
        {"url": "https://api.example/1", "content_type": ""},
    )


def test_a_name_that_comes_again_is_kept() -> None:
    text = incoming_text({**FORM, "Body": ["one", "two", "three"], "Body#2": ["taken"]})
    assert text.text == "one"
    bodies = {name: value for name, value in text.raw.items() if name.startswith("Body")}
    assert bodies == {"Body": "one", "Body#2": "two", "Body#3": "three", "Body#2#2": "taken"}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"MessageSid": ["SM1"], "MessageStatus": ["sent"]}, StatusUpdate("SM1", "sent", None)),
        ({"SmsSid": ["SM1"], "SmsStatus": ["Sent"]}, StatusUpdate("SM1", "Sent", None)),
        (
            {
                "MessageSid": ["SM1"],
                "MessageStatus": ["failed"],
                "SmsStatus": ["sent"],
                "ErrorCode": ["30003"],
            },
            StatusUpdate("SM1", "failed", "30003"),
        ),
        (
            {"MessageSid": ["SM1"], "MessageStatus": [""], "SmsStatus": ["sent"], "ErrorCode": [""]},
            StatusUpdate("SM1", "sent", None),
        ),
        ({}, StatusUpdate("", "", None)),
        (
            {"MessageSid": ["S" * 999], "MessageStatus": ["t" * 999], "ErrorCode": ["9" * 999]},
            StatusUpdate("S" * 120, "t" * 40, "9" * 20),
        ),
        ({"MessageSid": [], "ErrorCode": [" \x00"]}, StatusUpdate("", "", "\ufffd")),
    ],
)
def test_status_updates(form: dict[str, list[str]], expected: StatusUpdate) -> None:
    assert status_update(form) == expected


REQUIRED = {"From": ["+447700900001"], "AccountSid": ["AC1"], "MessageSid": ["SM1"]}
names = st.one_of(
    st.sampled_from([*FORM, "MediaUrl0", "MediaContentType0", "ErrorCode", "MessageStatus", "Body#2"]),
    st.text(st.characters()),
)
any_text = st.text(st.one_of(st.characters(), st.sampled_from("\x00\ud800\udfff\n")))
loose_forms = st.dictionaries(names, st.lists(any_text, max_size=3))
forms = st.one_of(loose_forms, loose_forms.map(lambda form: form | REQUIRED))


@given(forms)
def test_any_form_is_a_text_or_not_twilios_and_loses_nothing(form: dict[str, list[str]]) -> None:
    missing = [
        n
        for n in ("From", "AccountSid", "MessageSid")
        if not 0 < len("".join(form.get(n, [])[:1]).strip()) <= 64
    ]
    if missing:
        with pytest.raises(NotTwilio) as refused:
            incoming_text(form)
        assert refused.value.field in missing
        return
    text = incoming_text(form)
    stored = json.dumps(text.raw, ensure_ascii=False)
    stored.encode()
    assert "\\u0000" not in stored
    assert not UNSTORABLE.search(text.text + text.from_address + text.to_address + text.provider_id)
    assert sorted(text.raw.values()) == sorted(clean(v) for values in form.values() for v in values)


@given(forms)
def test_any_form_is_a_status_update(form: dict[str, list[str]]) -> None:
    update = status_update(form)
    assert not UNSTORABLE.search(update.provider_id + update.status + (update.error_code or ""))
