"""Connects with paho, subscribes, publishes and waits until every message came back, in order. Says "echo COUNT" and ends with 0.

Ends with 3 when paho is not installed, with 1 and a word when something else goes wrong.
"""
import argparse
import ssl
import sys
import threading

try:
    import paho.mqtt.client as mqtt
except ImportError:
    print("paho is not installed")
    sys.exit(3)

LARGE = 300_000


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--transport", choices=["tcp", "websockets"], required=True)
    parser.add_argument("--version", choices=["311", "5"], required=True)
    parser.add_argument("--cafile")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--qos", type=int, choices=[1, 2], default=1)
    return parser.parse_args()


def new_client(options):
    keywords = {
        "client_id": "paho-%s-%s" % (options.transport, options.version),
        "transport": options.transport,
        "protocol": mqtt.MQTTv5 if options.version == "5" else mqtt.MQTTv311,
    }
    # Version 2 of paho wants to be told which callbacks it is given.
    if hasattr(mqtt, "CallbackAPIVersion"):
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, **keywords)
    return mqtt.Client(**keywords)


def payload(number):
    text = b"message %d " % number
    return text + b"x" * (LARGE if number == 1 else 10)


def main():
    options = parse()
    client = new_client(options)
    if options.cafile:
        client.tls_set(ca_certs=options.cafile, certfile=options.cert, keyfile=options.key, cert_reqs=ssl.CERT_REQUIRED)
    topic = "echo/%s/%s" % (options.transport, options.version)
    received = []
    faults = []
    done = threading.Event()

    def fail(text):
        faults.append(text)
        done.set()

    def on_connect(connected, userdata, flags, code, *properties):
        if code != 0:
            fail("connect refused: %s" % code)
        else:
            connected.subscribe(topic, qos=options.qos)

    def on_subscribe(connected, *anything):
        for number in range(options.count):
            # Of QoS 0 the first alone: paho sends such messages past those that wait for their turn.
            connected.publish(topic, payload(number), qos=0 if number == 0 else options.qos)

    def on_message(connected, userdata, message):
        received.append(message.payload)
        if message.qos != (0 if len(received) == 1 else options.qos):
            fail("message %d has QoS %d" % (len(received) - 1, message.qos))
        if len(received) == options.count:
            done.set()

    def on_disconnect(connected, userdata, code, *properties):
        if not done.is_set():
            fail("disconnected: %s" % code)

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.on_disconnect = on_disconnect
    client.connect("127.0.0.1", options.port)
    client.loop_start()
    if not done.wait(15):
        fail("only %d of %d came back" % (len(received), options.count))
    client.disconnect()
    client.loop_stop()
    if not faults and received != [payload(number) for number in range(options.count)]:
        faults.append("other messages than were sent, or another order")
    for text in faults:
        print(text)
    print("echo %d" % len(received))
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as fault:
        print("%s: %s" % (type(fault).__name__, fault))
        sys.exit(1)
