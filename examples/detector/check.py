"""Look at one output before it is stored: exit code 1 and a sentence for one that is not whole."""

import sys

from tracks import Broken, read

if __name__ == "__main__":
    try:
        read(sys.argv[1])
    except Broken as e:
        sys.exit(str(e))
