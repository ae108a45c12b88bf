"""hamrong: the command line, the configuration and the embedded stack.

In:   a configuration file, the environment, command lines
Out:  running services and jobs, printed answers
May import everything; nothing but tests may import it, save `hamrong.errors` and `hamrong.config`.
"""

__version__ = "0.1.0"
