namespace Streams.Mqtt;

/// <summary>Why a client connection is over.</summary>
/// <param name="Failure">What went wrong, or <see langword="null"/> when this side disposed it or the server said DISCONNECT.</param>
/// <param name="ServerSaid">The server's DISCONNECT, or <see langword="null"/>.</param>
public sealed record MqttClientClosed(Exception? Failure, MqttDisconnectPacket? ServerSaid);
