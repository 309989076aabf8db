namespace Streams.Client;

/// <summary>Gives the connected bytes to an endpoint in place of a TCP connection, for networks that need one of their own: a proxy, a
/// vehicle's gateway, a modem.</summary>
/// <param name="endpoint">Where to.</param>
/// <param name="cancellationToken">Ends the attempt; cancelled after <see cref="ClusterOptions.AnswerTimeout"/> at the
/// latest.</param>
/// <returns>A duplex stream; the client disposes it. TLS and WebSocket, where the endpoint asks for them, are spoken over it by the
/// client. Whatever is thrown is logged and counts as a failure to connect.</returns>
public delegate ValueTask<Stream> ClusterTransport(ClusterEndpoint endpoint, CancellationToken cancellationToken);
