"""The body of create-index as the SDK 10 sends it, checked by a model of our own. Other bodies are in the OpenAPI.

The vendor's newest published document is 2026-04, with `dimension`, `metric` and `spec` at the top. The SDK speaks
2026-07: `schema` with the reserved field `_values` makes the same classic index, and `deployment` replaces `spec`.
The model holds what `create_index(name, dimension, metric, spec=ServerlessSpec(...))` may send, and refuses the rest:
an index with any other field is a document index, which takes no vectors.

Source: pinecone 10.2, `_internal/legacy_index_translation.py`
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .limits import MAX_DIMENSION

TagKey = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,80}$")]
TagValue = Annotated[str, StringConstraints(max_length=120)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DenseVectorField(_Strict):
    """The one field of a classic dense index."""

    type: Literal["dense_vector"]
    dimension: int = Field(ge=1, le=MAX_DIMENSION)
    metric: Literal["cosine", "euclidean", "dotproduct"]


class Fields(_Strict):
    """The reserved name that the vectors API addresses dense values by, and no other."""

    values: DenseVectorField = Field(alias="_values")


class IndexSchema(_Strict):
    """What the index holds."""

    fields: Fields


class ManagedDeployment(_Strict):
    """A serverless index."""

    deployment_type: Literal["managed"]
    cloud: Literal["aws", "gcp", "azure"]
    region: str = Field(min_length=1)


class CreateIndexBody(_Strict):
    """The whole body."""

    name: str
    schema_: IndexSchema = Field(alias="schema")
    deployment: ManagedDeployment = ManagedDeployment(deployment_type="managed", cloud="aws", region="us-east-1")
    deletion_protection: Literal["enabled", "disabled"] = "disabled"
    tags: dict[TagKey, TagValue] = Field(default_factory=dict, max_length=20)


def create_index_violations(body: object) -> list[str]:
    """Return what a body gets wrong, one sentence a fault."""
    try:
        CreateIndexBody.model_validate(body)
    except ValidationError as error:
        return [
            f"POST /indexes: body.{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
    return []
