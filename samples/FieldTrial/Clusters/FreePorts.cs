using System.Net;
using System.Net.Sockets;

namespace FieldTrial;

/// <summary>Loopback ports nobody listens on, from below the range that systems use for outgoing connections: a restarted server must get
/// its own again.</summary>
internal static class FreePorts
{
    private const int Lowest = 12_000;
    private const int Highest = 30_000;

    public static int[] Find(int count, Random chance)
    {
        HashSet<int> ports = [];
        for (int tries = 0; ports.Count < count; tries++)
        {
            if (tries == 10_000)
            {
                throw new ClusterFailedException($"no {count} free ports between {Lowest} and {Highest}");
            }

            int port = chance.Next(Lowest, Highest);
            if (CanListen(port))
            {
                ports.Add(port);
            }
        }

        return [.. ports];
    }

    private static bool CanListen(int port)
    {
        try
        {
            using TcpListener listener = new(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>A cluster cannot be started, or did not come up.</summary>
internal sealed class ClusterFailedException(string message) : Exception(message);
