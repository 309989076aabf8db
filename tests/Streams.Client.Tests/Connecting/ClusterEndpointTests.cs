using Streams.Core;

namespace Streams.Client.Tests;

public class ClusterEndpointTests
{
    [Theory]
    [InlineData("sj=10.0.0.1:1883", "10.0.0.1", 1883, ClusterScheme.Unsaid, "sj=10.0.0.1:1883")]
    [InlineData("sj=[fd00::1]:1883", "fd00::1", 1883, ClusterScheme.Unsaid, "sj=[fd00::1]:1883")]
    [InlineData("sj=mqtt://broker", "broker", 1883, ClusterScheme.Mqtt, "sj=mqtt://broker:1883")]
    [InlineData("sj=mqtts://broker", "broker", 8883, ClusterScheme.Mqtts, "sj=mqtts://broker:8883")]
    [InlineData("sj=mqtts://[fd00::1]:9", "fd00::1", 9, ClusterScheme.Mqtts, "sj=mqtts://[fd00::1]:9")]
    [InlineData("sj=ws://broker:8080/mqtt", "broker", 8080, ClusterScheme.Ws, "sj=ws://broker:8080/mqtt")]
    [InlineData("sj=ws://broker", "broker", 80, ClusterScheme.Ws, "sj=ws://broker:80/mqtt")]
    [InlineData("sj=wss://broker/", "broker", 443, ClusterScheme.Wss, "sj=wss://broker:443/mqtt")]
    [InlineData("sj=wss://broker/a/b?c=d", "broker", 443, ClusterScheme.Wss, "sj=wss://broker:443/a/b?c=d")]
    public void Is_read_and_written(string text, string host, int port, ClusterScheme scheme, string written)
    {
        ClusterEndpoint endpoint = ClusterEndpoint.Parse(text);

        Assert.Equal(("sj", host, port, scheme), (endpoint.Name.Value, endpoint.Host, endpoint.Port, endpoint.Scheme));
        Assert.Equal(written, endpoint.ToString());
        Assert.Equal(endpoint, ClusterEndpoint.Parse(written));
    }

    [Theory]
    [InlineData("10.0.0.1:1883", "cluster's name")]
    [InlineData("=10.0.0.1:1883", "cluster's name")]
    [InlineData("sj=10.0.0.1", "HOST:PORT")]
    [InlineData("sj=10.0.0.1:0", "HOST:PORT")]
    [InlineData("sj=10.0.0.1:65536", "HOST:PORT")]
    [InlineData("sj=:1883", "HOST:PORT")]
    [InlineData("sj=http://broker", "none of mqtt")]
    [InlineData("sj=mqtts://broker/path", "no path")]
    [InlineData("sj=ws://broker/mqtt#x", "no fragment")]
    [InlineData("sj=ws://broker:0/mqtt", "port from 1")]
    [InlineData("sj=wss://", "needs a host")]
    public void What_is_none_is_told_with_the_reason(string text, string why)
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => ClusterEndpoint.Parse(text));

        Assert.Contains(why, fault.Message, StringComparison.Ordinal);
        Assert.Contains(text, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sj=mqtts://bob:secret@broker")]
    [InlineData("sj=mqtts://bob:secret@")]
    [InlineData("sj=ftp://bob:secret@broker/x")]
    public void A_password_in_a_URL_is_refused_and_not_repeated(string text)
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => ClusterEndpoint.Parse(text));

        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
    }
}
