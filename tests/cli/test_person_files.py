"""Files of persons: read whole or not at all; what is wrong is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.cli.person_files import read_persons
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.known_persons import KnownPerson
from tests.conftest import SAMPLES

ADA = "decided_by: zoe\nreason: she knows\npersons:\n  - {name: Ada, accounts: ['github-login:ada', 'slack:U1']}\n"


def write(folder: Path, content: str | bytes) -> Path:
    file = folder / "persons.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_a_file_is_read(tmp_path: Path) -> None:
    told = read_persons(write(tmp_path, ADA))
    assert (told.decided_by, told.reason) == ("zoe", "she knows")
    assert told.known() == (KnownPerson("Ada", ("github-login:ada", "slack:U1")),)


def test_the_sample_names_seven_people_and_no_account_twice() -> None:
    persons = read_persons(SAMPLES / "persons.yaml").known()
    assert len(persons) == 7
    accounts = [account for person in persons for account in person.accounts]
    assert len(accounts) == len(set(accounts))
    assert all(person.accounts[0].startswith("github-login:") for person in persons)
    assert [person.name.lower() for person in persons] == [
        account.removeprefix("docs-login:") for account in accounts if account.startswith("docs-login:")
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the file: "),
        ("persons: [", "cannot be read as YAML: "),
        (b"\xff\xfe\xff", "cannot be read as YAML: "),
        (ADA.replace("reason: she knows\n", ""), "reason: "),
        (ADA.replace("name:", "nmae:"), "persons.0.name: "),
        (ADA.replace(", 'slack:U1'", ""), "persons.0.accounts: "),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, content: str | bytes, words: str) -> None:
    file = write(tmp_path, content)
    with pytest.raises(PermanentError) as raised:
        read_persons(file)
    assert str(raised.value).startswith(f"{file}: {words}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        read_persons(tmp_path / "persons.yaml")
