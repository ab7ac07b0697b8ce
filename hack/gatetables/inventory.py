# SPDX-License-Identifier: Apache-2.0
"""Prints what tables.txt was made from, as name==version lines, and the digest that it names."""
from library import digest, inventory

print(*inventory(), digest(inventory()), sep="\n")
