namespace Streams.Mqtt;

/// <summary>CONNECT, the AUTH packets an extended authentication asks for, and CONNACK.</summary>
internal static class ClientHandshake
{
    public static async ValueTask<MqttConnackPacket> RunAsync(
        MqttConnection connection, MqttClientOptions options, CancellationToken cancellationToken)
    {
        await connection.WriteAsync(options.ToConnect(), cancellationToken).ConfigureAwait(false);
        while (true)
        {
            MqttPacket? packet = await connection.ReadAsync(cancellationToken).ConfigureAwait(false);
            switch (packet)
            {
                case null:
                    throw new MqttConnectionClosedException("The server closed the connection before it answered CONNECT.");
                case MqttConnackPacket { ReasonCode: MqttReasonCode.Success } connack:
                    return connack.SessionPresent && options.CleanStart
                        ? throw Refuse.Protocol("The server continues a session that was to be thrown away.")
                        : connack;
                case MqttConnackPacket connack:
                    throw new MqttConnectRefusedException(connack);
                case MqttAuthPacket auth when options.Authenticate is not null:
                    MqttAuthPacket answer = await options.Authenticate(auth).ConfigureAwait(false);
                    await connection.WriteAsync(answer, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    throw Refuse.Protocol($"{packet.Type} before CONNACK.");
            }
        }
    }
}
