-- Each processor owns a database of its own; the image makes the one of the ledger.
CREATE DATABASE cases;
