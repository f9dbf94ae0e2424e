"""What the scenarios are made of: real Kafka brokers, real weir processes, and a judge that uses neither's client library."""
