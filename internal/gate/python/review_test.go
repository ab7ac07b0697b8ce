// SPDX-License-Identifier: Apache-2.0

package python

import "testing"

// reviewed are attacks of reviewers who knew the rules.
var reviewed = map[string]string{
	"a plotting backend by position":                      "import pandas as pd\npd.DataFrame({'a': [1]}).boxplot(None, None, None, None, 0, True, None, None, None, 'evil')",
	"a histogram's backend by position":                   "import pandas as pd\npd.Series([1]).hist(None, None, True, None, None, None, None, None, 10, 'evil')",
	"a histogram's backend in a sequence":                 "import pandas as pd\na = [None] * 9 + ['evil']\npd.Series([1]).hist(*a)",
	"a boxplot method as a value":                         "import pandas as pd\nb = pd.DataFrame({'a': [1]}).boxplot\nb(None, None, None, None, 0, True, None, None, None, 'evil')",
	"a plotting function's backend by position":           "import pandas as pd\npd.plotting.hist_series(pd.Series([1]), None, None, True, None, None, None, None, None, 10, 'evil')",
	"a method of archives hidden by a dummy definition":   "import tarfile\nclass A:\n  def gzopen(self): pass\ntarfile.open('/tmp/a.tar').gzopen('/etc/passwd', 'r')",
	"an archive that opens another":                       "import tarfile\nprint(tarfile.open('/tmp/a.tar').open('/etc/x.tar').getnames())",
	"a table of file types that is read":                  "import mimetypes\nmimetypes.MimeTypes().read('/etc/passwd')",
	"a temporary file rolled over, with the name defined": "import tempfile\nclass A:\n  def rollover(self): pass\ndef f(t): t.rollover()\nf(tempfile.SpooledTemporaryFile(dir='/tmp'))",
	"a zone file for matplotlib's dates":                  "import matplotlib.dates as md\nmd.num2date(1, '/etc/passwd')",
	"a zone file for a date formatter":                    "import matplotlib.dates as md\nmd.DateFormatter('%Y', '/etc/passwd')",
	"a zone file for a date formatter by keyword":         "import matplotlib.dates as md\nmd.DateFormatter('%Y', tz='/etc/passwd')",
	"a zone file above matplotlib's zones":                "import matplotlib.dates as md\nmd.DateFormatter('%Y', tz='../../../../etc/passwd')",
	"a zone file for an axis":                             "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.xaxis_date('/etc/passwd')",
	"a zone file for plot_date":                           "import matplotlib.pyplot as plt\nplt.plot_date([1], [1], 'o', '/etc/passwd')",
	"a zone file set on a locator":                        "import matplotlib.dates as md\nmd.AutoDateLocator().set_tzinfo('/etc/passwd')",
	"a zone in an ordinal":                                "import pandas as pd\npd.Timestamp.fromordinal(737425, None, input())",
	"a zone in a sparse type":                             "import pandas as pd\npd.SparseDtype('datetime64[ns, ' + input() + ']')",
	"a zone in an interval index":                         "import pandas as pd\npd.IntervalIndex([], 'right', input())",
	"a zone in from_dict":                                 "import pandas as pd\npd.DataFrame.from_dict({'a': [1]}, 'columns', input())",
	"a zone in select_dtypes":                             "import pandas as pd\npd.DataFrame({'a': [1]}).select_dtypes(input())",
	"a zone in a view":                                    "import pandas as pd\npd.Series([1]).view(input())",
	"a zone in a view as a value":                         "import pandas as pd\nv = pd.Series([1]).view\nv(input())",
	"a zone in a copy":                                    "import pandas as pd\npd.DatetimeIndex(['2020']).copy(None, False, input())",
	"a zone in a copy of a multi-index":                   "import pandas as pd\npd.MultiIndex.from_tuples([(1, 2)]).copy(None, input())",
	"a zone in a copy as a value":                         "import pandas as pd\nlist(map(pd.DatetimeIndex(['2020']).copy, [None], [False], [input()]))",
	"a zone in a sparse type that is updated":             "import pandas as pd\npd.SparseDtype('int').update_dtype(input())",
	"a zone in a type made from text":                     "import pandas as pd\npd.DatetimeTZDtype('ns', 'UTC').construct_from_string(input())",
	"a zone in a type made from one argument":             "import pandas as pd\npd.DatetimeTZDtype(input())",
	"a zone in an interval type":                          "import pandas as pd\npd.IntervalDtype(input())",
	"a zone in an interval type made from text":           "import pandas as pd\npd.IntervalDtype.construct_from_string(input())",
	"a zone in a check for an interval type":              "import pandas as pd\npd.IntervalDtype.is_dtype(input())",
	"a zone in a check of a value's type":                 "import pandas as pd\npd.DatetimeTZDtype('ns', 'UTC').is_dtype(input())",
	"a zone in intervals from arrays":                     "import pandas as pd\npd.IntervalIndex.from_breaks([1, 2]).array.from_arrays([1], [2], 'right', False, input())",
	"a zone in intervals from breaks":                     "import pandas as pd\npd.IntervalIndex.from_breaks([1, 2]).from_breaks([1, 2], 'right', None, False, input())",
	"a zone in intervals from tuples":                     "import pandas as pd\npd.IntervalIndex.from_breaks([1, 2]).from_tuples([(1, 2)], 'right', None, False, input())",
	"a zone in an index from a range":                     "import pandas as pd\npd.RangeIndex.from_range(range(3), None, input())",
	"a zone in an index of times by position":             "import pandas as pd\npd.DatetimeIndex(['2020'], None, pd.NaT, None, 'raise', False, False, False, input())",
	"a zone in what is described":                         "import pandas as pd\npd.DataFrame({'a': [1]}).describe(None, [input()])",
	"a zone in what is not described":                     "import pandas as pd\npd.DataFrame({'a': [1]}).describe(None, None, input())",
	"a zone that is searched for":                         "import pandas as pd\npd.Series([1]).searchsorted(input())",
	"a zone before which a series ends":                   "import pandas as pd\npd.Series([1]).truncate(input())",
	"a zone as the bins of counts":                        "import pandas as pd\npd.Series([1]).value_counts(bins=input())",
	"a zone in a check of types":                          "import pandas as pd\nz = input()\npd.api.types.is_datetime64_any_dtype('datetime64[ns, ' + z + ']')",
	"zones mapped over a function":                        "import pandas as pd\nlist(map(pd.Timestamp, ['2020'], [None], [input()]))",
	"a zone passed on by apply":                           "import pandas as pd\npd.Series(['2020']).apply(pd.Timestamp, args=(None, input()))",
	"a zone in a partial":                                 "import functools\nimport pandas as pd\nfunctools.partial(pd.Timestamp, '2020', None)(input())",
	"a zone for a function in a list":                     "import pandas as pd\n[pd.Timestamp][0]('2020', None, input())",
	"a zone for a function that is annotated":             "import dataclasses\nimport pandas as pd\n@dataclasses.dataclass\nclass A:\n  t: pd.Timestamp\ndataclasses.fields(A)[0].type('2020', None, input())",
	"a zone for a subclass":                               "import pandas as pd\nclass F(pd.Series): pass\nF(['2020'], None, input())",
	"a data type of read_csv by position":                 "import pandas as pd\npd.read_csv('/workspace/a.csv', ',', None, 'infer', None, None, None, None, None, True, input())",
	"a font pattern as the title of a legend":             "import matplotlib.pyplot as plt\nplt.legend().set_title('x', ':file=/etc/passwd')",
	"a font pattern as a property":                        "import matplotlib.pyplot as plt\nplt.legend(prop=':file=/etc/passwd')",
	"font properties of a text of a figure":               "import matplotlib.pyplot as plt\nz = {}\nz[input()] = input()\nplt.figtext(0, 0, 'x', z)",
	"LaTeX for a path of text":                            "from matplotlib.text import TextPath\nTextPath((0, 0), 'x', 10, None, 1, True)",
}

func TestNoReviewedEvasionIsPlain(t *testing.T) {
	for name, source := range reviewed {
		t.Run(name, func(t *testing.T) { checkFound(t, source) })
	}
}

func TestOrdinaryUsesOfGuardedFunctionsArePlain(t *testing.T) {
	sources := map[string]string{
		"types in annotations":      "import pandas as pd\nfrom typing import Dict\ndef f(d: Dict[str, pd.DataFrame]) -> list[pd.Series]: return list(d)",
		"types that are checked":    "import pandas as pd\ndef f(x): return isinstance(x, (pd.DataFrame, pd.Series))",
		"types that are applied":    "import pandas as pd\npd.Series(['2020']).apply(pd.Timestamp).apply(pd.Series)",
		"a check of a column":       "import pandas as pd\ndef f(df): return [c for c in df.columns if pd.api.types.is_numeric_dtype(df[c])]",
		"a histogram":               "import matplotlib.pyplot as plt\nimport pandas as pd\nfig, ax = plt.subplots()\nax.hist([1], 30)\npd.Series([1]).hist(bins=3)",
		"views and copies":          "import numpy as np\nimport pandas as pd\na = np.arange(4)\nb = a.view(np.uint8)\nc = a.view('i4')\nd = pd.DataFrame({'a': a}).copy(deep=True)\ne = d.copy()\nf = [1].copy()\ng = d['a'].view('int64')",
		"what is described":         "import pandas as pd\nd = pd.read_csv('/workspace/a.csv')\nprint(d.describe(), d.describe(include='all'), d.describe([0.1], include=['object']))\nprint(d['a'].value_counts(normalize=True), d['a'].value_counts(bins=3), d['a'].searchsorted(3), d.truncate(1, 5))",
		"indexes of several levels": "import pandas as pd\npd.MultiIndex.from_tuples([(1, 2)], names=['a', 'b'])\npd.MultiIndex.from_arrays([[1], [2]], names=('a', 'b'))\npd.IntervalIndex.from_breaks([1, 2], closed='left')",
		"a date axis":               "import matplotlib.dates as md\nmd.DateFormatter('%Y', tz='Europe/Paris')\nmd.MonthLocator(interval=2)",
		"a method that is defined":  "import tarfile\nclass A:\n  def __init__(self): self.chown()\n  def chown(self): pass\na = A()\na.chown()",
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			if r := Read([]byte(source)); !isPlain(r) {
				t.Error(r.Operations)
			}
		})
	}
}
