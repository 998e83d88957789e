"""Files of persons, as people write them: which accounts are one person, who says so and why. YAML in, values out.

What becomes of them is decided in `steps/known_persons.py`.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.known_persons import KnownPerson

_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class _Person(BaseModel):
    """A person, as it is written."""

    model_config = _STRICT

    name: str = Field(min_length=1)
    accounts: tuple[str, ...] = Field(min_length=2)


class PersonFile(BaseModel):
    """A file of persons: who decides, why, and which accounts each of them has."""

    model_config = _STRICT

    decided_by: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    persons: tuple[_Person, ...] = Field(min_length=1)

    def known(self) -> tuple[KnownPerson, ...]:
        """List the persons."""
        return tuple(KnownPerson(person.name, person.accounts) for person in self.persons)


def read_persons(file: Path) -> PersonFile:
    """Read a file: `decided_by`, `reason`, and `persons`, a list of name and accounts.

    Raises:
        NotFoundError: there is no such file.
        PermanentError: it is no YAML, or a person is not as it should be; names the place.
    """
    try:
        return PersonFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotFoundError(f"{file}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PermanentError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors())
        raise PermanentError(f"{file}: {'; '.join(faults)}") from None
