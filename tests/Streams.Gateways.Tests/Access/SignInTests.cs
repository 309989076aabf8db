using System.Collections.Immutable;
using System.Text;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Who is let in at which listener, and what rules allow, through the gateway.</summary>
public sealed class SignInTests : IAsyncLifetime
{
    private static readonly ClientCertificate Car = new("CN=car-17", "car-17", "00");

    private GatewayScene _scene = null!;

    public async Task InitializeAsync()
    {
        _scene = await GatewayScene.OpenAsync(clients: new PasswordAuthentication(
            ImmutableDictionary<string, PasswordHash>.Empty.Add("anna", PasswordHash.Of("right"u8, 1000)),
            ImmutableDictionary<string, SignInRule>.Empty
                .Add("open", SignInRule.None).Add("passwords", SignInRule.Password).Add("cars", SignInRule.Certificate)));
        _scene.Rules = new AccessRules(
        [
            new AccessRule { User = "anna", Publish = [Pattern("plant/#")], Subscribe = [Pattern("plant/#")] },
            new AccessRule { Certificate = "car-17", Client = "%n", Publish = [Pattern("fleet/%n/#")] },
            new AccessRule { Listener = "open", Subscribe = [Pattern("plant/public/#")] },
        ]);
    }

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Theory]
    [InlineData("anna", "right", MqttReasonCode.Success)]
    [InlineData("anna", "wrong", MqttReasonCode.BadUserNameOrPassword)]
    [InlineData("anna", null, MqttReasonCode.BadUserNameOrPassword)]
    [InlineData("bert", "right", MqttReasonCode.BadUserNameOrPassword)]
    [InlineData(null, "right", MqttReasonCode.BadUserNameOrPassword)]
    [InlineData(null, null, MqttReasonCode.BadUserNameOrPassword)]
    public async Task A_listener_that_asks_for_passwords_takes_the_right_one(string? user, string? password, MqttReasonCode expected)
        => Assert.Equal(expected, (await ConnectAsync("passwords", "c", user, password)).Connack);

    [Fact]
    public async Task A_password_that_was_right_once_is_right_again_and_a_wrong_one_stays_wrong()
    {
        Assert.Equal(MqttReasonCode.Success, (await ConnectAsync("passwords", "a", "anna", "right")).Connack);
        Assert.Equal(MqttReasonCode.BadUserNameOrPassword, (await ConnectAsync("passwords", "b", "anna", "Right")).Connack);
        Assert.Equal(MqttReasonCode.Success, (await ConnectAsync("passwords", "c", "anna", "right")).Connack);
    }

    [Fact]
    public async Task A_name_that_nobody_checked_opens_nothing()
    {
        (MqttPeer peer, MqttReasonCode connack) = await ConnectAsync("open", "liar", "anna", "whatever");

        Assert.Equal(MqttReasonCode.Success, connack);
        Assert.Equal(MqttReasonCode.NotAuthorized, await PublishAsync(peer, "plant/x"));
        Assert.Equal([MqttReasonCode.NotAuthorized, MqttReasonCode.GrantedQos1], await SubscribeAsync(peer, "plant/#", "plant/public/#"));
    }

    [Fact]
    public async Task A_device_with_a_certificate_writes_under_its_own_name()
    {
        (MqttPeer car, MqttReasonCode connack) = await ConnectAsync("cars", "car-17", null, null, Car);

        Assert.Equal(MqttReasonCode.Success, connack);
        Assert.Equal(MqttReasonCode.Success, await PublishAsync(car, "fleet/car-17/speed"));
        Assert.Equal(MqttReasonCode.NotAuthorized, await PublishAsync(car, "fleet/car-18/speed"));
        Assert.Equal(MqttReasonCode.BadUserNameOrPassword, (await ConnectAsync("cars", "car-17", "anna", "right")).Connack);
        Assert.Equal(MqttReasonCode.NotAuthorized, (await ConnectAsync("cars", "car-18", null, null, Car)).Connack);
    }

    [Fact]
    public async Task A_listener_without_a_rule_lets_nobody_in()
        => Assert.Equal(MqttReasonCode.BadUserNameOrPassword, (await ConnectAsync("other", "c", "anna", "right")).Connack);

    private static TopicPattern Pattern(string text) => TopicPattern.TryParse(text, out TopicPattern? pattern, out string? fault)
        ? pattern! : throw new ArgumentException(fault);

    private async Task<(MqttPeer Peer, MqttReasonCode Connack)> ConnectAsync(string listener, string client, string? user,
        string? password, ClientCertificate? certificate = null)
    {
        MqttPeer peer = _scene.Dial(listener: listener, certificate: certificate);
        await peer.SendAsync(new MqttConnectPacket
        {
            Version = MqttVersion.V5, ClientId = client, CleanStart = true, UserName = user,
            Password = password is null ? null : Encoding.UTF8.GetBytes(password),
        });
        return (peer, (await peer.NextAsync<MqttConnackPacket>()).ReasonCode);
    }

    private static async Task<MqttReasonCode> PublishAsync(MqttPeer peer, string topic)
    {
        MqttPublishPacket packet = new() { Topic = topic, Qos = MqttQos.AtLeastOnce, PacketId = 7, Payload = new("x"u8.ToArray()) };
        await peer.SendAsync(packet);
        return (await peer.NextAsync<MqttPubackPacket>()).ReasonCode;
    }

    private static async Task<MqttReasonCode[]> SubscribeAsync(MqttPeer peer, params string[] filters)
    {
        await peer.SendAsync(new MqttSubscribePacket
        {
            PacketId = 8, Subscriptions = [.. filters.Select(f => new MqttSubscription(f, MqttQos.AtLeastOnce))],
        });
        return [.. (await peer.NextAsync<MqttSubackPacket>()).ReasonCodes];
    }
}
