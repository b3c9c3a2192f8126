"""Transactions on the wire: what a batch path says to brokers itself, on the thread that handles records.

kafka-python's producer hands everything to a thread of its own and speaks the first protocol for transactions, which
takes five round trips. Here it is the second (KIP-890, brokers of Kafka 4): records, offsets, end (see ADR 22).
Connections, TLS, SASL, messages and their encoding stay the client's.
"""
