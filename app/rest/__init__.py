"""The REST interface: `/v1`, its OpenAPI description and its documentation."""
