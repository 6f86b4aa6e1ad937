#!/usr/bin/env python3
"""Tests the stand-in for AWS with botocore's own client.

usage: selftest.py [NAME…]     only tests whose name contains it

Exit status 77: botocore is not installed (Debian: python3-botocore); with CI set in the environment that is a failure.
"""

import importlib.util
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
sys.dont_write_bytecode = True


def suite(names):
    files = sorted((HERE / "selftests").glob("test_*.py"))
    modules = [f"aws.selftests.{file.stem}" for file in files]
    tests = unittest.defaultTestLoader.loadTestsFromNames(modules)
    if names:
        flat = [test for test in flattened(tests) if any(name in test.id() for name in names)]
        tests = unittest.TestSuite(flat)
    return tests


def flattened(tests):
    for test in tests:
        yield from flattened(test) if isinstance(test, unittest.TestSuite) else [test]


def main():
    if not importlib.util.find_spec("botocore"):
        print("0 tests ran: python3-botocore is not installed")
        return 1 if os.environ.get("CI") else 77
    result = unittest.TextTestRunner(verbosity=1).run(suite(sys.argv[1:]))
    print(f"{result.testsRun} tests ran, {len(result.failures) + len(result.errors)} failed")
    return 0 if result.wasSuccessful() and result.testsRun else 1


sys.exit(main())
