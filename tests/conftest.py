"""The embedded stack and a session on it, shared by all tests; each test works in a workspace of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session, open_session
from neural_memory_pipelines.local.stack import EmbeddedStack
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.migrate import migrate

pytest_plugins = ["tests.stores.pinecone_fixtures", "tests.models.cohere_fixtures"]

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
SAMPLES = Path(__file__).parents[1] / "samples" / "harbor"

_STORE_VARIABLES = (
    "DATABASE_URL",
    "DATABASE_ADMIN_URL",
    "DAGSTER_POSTGRES_URL",
    "DAGSTER_HOME",
    "REDIS_URL",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
    "S3_BUCKET",
    "AWS_ENDPOINT_URL_S3",
    "PINECONE_API_KEY",
    "PINECONE_CONTROLLER_HOST",
    "COHERE_API_KEY",
    "CO_API_URL",
    "NEURAL_MEMORY_ENVIRONMENT",
    "NEURAL_MEMORY_INDEX_TOPOLOGY",
    "NEURAL_MEMORY_RERANK_MODEL",
    "BRAINTRUST_API_KEY",
    "BRAINTRUST_API_URL",
    "BRAINTRUST_APP_URL",
    "BRAINTRUST_ORG_NAME",
    "NEURAL_MEMORY_BRAINTRUST_PROJECT",
)
_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests run on embedded stores of their own, with the quick embedder, whatever the caller's environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _STORE_VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("NEURAL_MEMORY_HOME", str(tmp_path_factory.mktemp("stack") / "home"))
        patch.setenv("NEURAL_MEMORY_EMBEDDING_MODEL", "hash/char-ngram-1536")
        yield


@pytest.fixture(scope="session")
def stack(_environment: None) -> Iterator[EmbeddedStack]:
    """The embedded stack, migrated."""
    stack = EmbeddedStack(Path(os.environ["NEURAL_MEMORY_HOME"]))
    stack.start()
    migrate(stack.endpoints().database_admin_url)
    yield stack
    stack.reset()  # what lies outside the temporary directory too


@pytest.fixture(scope="session")
def database_url(stack: EmbeddedStack) -> str:
    """The pipeline's login."""
    return stack.endpoints().database_url


@pytest.fixture(scope="session")
def database_admin_url(stack: EmbeddedStack) -> str:
    """The login that owns the schema."""
    return stack.endpoints().database_admin_url


@pytest.fixture(scope="session")
def redis_url(stack: EmbeddedStack) -> str:
    """The embedded Valkey."""
    return stack.endpoints().redis_url


@pytest.fixture(scope="session")
def session(stack: EmbeddedStack) -> Iterator[Session]:
    """A session on the embedded stores."""
    session = open_session(load_settings())
    yield session
    session.close()


@pytest.fixture(scope="session")
def stores(session: Session) -> Stores:
    """The stores of the session."""
    return session.stores


@pytest.fixture(scope="session")
def version(session: Session) -> EmbeddingVersion:
    """The version of new workspaces."""
    return session.new_workspace_version


@pytest.fixture(scope="session")
def embedder(session: Session, version: EmbeddingVersion) -> Embedder:
    """The hashed embedder."""
    return session.embedder(version)


@pytest.fixture
def workspace() -> WorkspaceId:
    """A workspace that no other test has."""
    return WorkspaceId(f"w{next(_numbers)}-{os.getpid()}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real payloads and corpora beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(
            f"the real payloads are not beside this checkout ({SHARED_DATA.relative_to(SHARED_DATA.parents[1])})"
        )
    return SHARED_DATA
