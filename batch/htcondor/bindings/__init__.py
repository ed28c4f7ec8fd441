"""The child that speaks with HTCondor: a question per line on stdin, an answer per line on stdout.

A program of its own, since HTCondor's bindings keep the whole process waiting for a daemon that does not
answer (Python's lock is held for their 20 s), and take their configuration from the process's environment.
It loads nothing of ours but this folder: there may be several, and they are started often.
"""
