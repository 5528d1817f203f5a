"""Settings come from FUSEBOX_* alone, and a bad value is explained."""

from __future__ import annotations

import dataclasses

import pytest

from app.settings import Settings, SettingsError


def test_defaults_serve_this_machine_only():
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.device) == ("127.0.0.1", 7860, "auto")
    assert not settings.allow_downloads
    assert settings.checkpoints.name == "checkpoints"


def test_values_are_read_and_empty_means_default(tmp_path):
    settings = Settings.from_environment(
        {
            "FUSEBOX_PORT": "8000",
            "FUSEBOX_MAX_SECONDS": "12.5",
            "FUSEBOX_ALLOW_DOWNLOADS": "yes",
            "FUSEBOX_CHECKPOINTS": str(tmp_path),
            "FUSEBOX_HOST": " ",
        }
    )
    assert (settings.port, settings.max_seconds, settings.allow_downloads) == (8000, 12.5, True)
    assert settings.checkpoints == tmp_path.resolve()
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("variable", "value", "works"),
    [
        ("FUSEBOX_PORT", "web", "1 to 65535"),
        ("FUSEBOX_PORT", "70000", "1 to 65535"),
        ("FUSEBOX_DEVICE", "gpu", "auto, cpu, cuda"),
        ("FUSEBOX_MAX_SECONDS", "nan", "seconds"),
        ("FUSEBOX_ALLOW_DOWNLOADS", "maybe", "1 (yes) or 0 (no)"),
        ("FUSEBOX_CHECKPOINTS", "/no/such/folder", "folder"),
    ],
)
def test_a_bad_value_names_variable_value_and_what_works(variable, value, works):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)
    assert works in str(caught.value)


def test_every_field_has_a_variable_and_settings_do_not_change():
    assert set(Settings.variables().values()) == {field.name for field in dataclasses.fields(Settings)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1
