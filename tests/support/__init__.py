# SPDX-License-Identifier: Apache-2.0
"""The harness of the black-box tests: PostgreSQL, servers, clients and the small world they live in."""
