using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Streams.Bench;

/// <summary>What a loopback connection carries when nothing is done with the bytes.</summary>
internal static class Loopback
{
    /// <summary>Bytes per second, sent in pieces.</summary>
    public static async Task<double> RateAsync(long bytes, int piece)
    {
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using Socket sender = new(SocketType.Stream, ProtocolType.Tcp);
        await sender.ConnectAsync(listener.LocalEndPoint!);
        using Socket receiver = await listener.AcceptAsync();
        long start = Stopwatch.GetTimestamp();
        Task sending = Task.Run(async () =>
        {
            byte[] buffer = new byte[piece];
            for (long left = bytes; left > 0;)
            {
                left -= await sender.SendAsync(buffer.AsMemory(0, (int)Math.Min(piece, left)));
            }
        });
        byte[] taken = new byte[piece];
        for (long left = bytes; left > 0;)
        {
            left -= await receiver.ReceiveAsync(taken.AsMemory());
        }

        await sending;
        return bytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
