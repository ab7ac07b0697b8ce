"""What the demo's agent does: read a table, compute, draw."""
import os

import matplotlib
import numpy
import pandas

matplotlib.use("Agg")
import matplotlib.pyplot as plt

table = pandas.read_csv("/inputs/sales.csv")
totals = table.groupby("region")["amount"].sum()
print(totals.to_dict())

square = numpy.arange(9.0).reshape(3, 3) + numpy.eye(3)
print(numpy.allclose(square @ numpy.linalg.inv(square), numpy.eye(3)))

totals.plot.bar()
plt.savefig("/tmp/totals.png")
print(os.path.getsize("/tmp/totals.png") > 1000)

print(os.getuid(), os.getgid())
print(sorted(set(os.listdir("/bin"))))
print([p for p in ("/bin/sh", "/bin/bash", "/usr/bin/perl", "/usr/bin/apt-get", "/usr/bin/dpkg") if os.path.exists(p)])
# Only the read-only root refuses the last one: its directory belongs to this user.
for path in ("/etc/passwd", "/airlock/main.py", "/workspace/new"):
    try:
        open(path, "a")
        print("WROTE", path)
    except OSError:
        print("refused", path)
